"""Run time of a trained model: spaCy components, encoders, tokenizer, CRF and scorer.

Nothing here imports `training`; `torch_encoders` alone needs PyTorch.
"""
