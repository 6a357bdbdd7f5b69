"""Commands on models: train, crossval, curve, predict, segmenter, serve."""
