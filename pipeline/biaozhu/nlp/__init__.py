"""What a trained model needs at run time: spaCy components, encoders, tokenizer, CRF and scorer.

Nothing here imports `training`; `torch_encoders` alone needs PyTorch.
"""
