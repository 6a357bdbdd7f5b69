"""How data lie on disk and come back in flat memory: compressed files, the cache folder, layers as streams, distinct keys."""
