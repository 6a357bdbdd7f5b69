"""Encoders that are trained in PyTorch (extra `train`) with what stands on them, kept as plain arrays."""
