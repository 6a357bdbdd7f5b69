"""The networks that propose names: LAC, the base model and the distilled fast model, in ONNX Runtime."""
