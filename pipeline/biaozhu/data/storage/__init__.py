"""Storage of data on disk, read back in flat memory: compressed files, the cache folder, layers as streams, distinct keys."""
