"""Corpora of any size: streams of sources, batches of articles, shards that outlive a kill."""
