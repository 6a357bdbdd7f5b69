"""The base model: corpus -> training in PyTorch -> calibration -> ONNX graph, scores and card."""
