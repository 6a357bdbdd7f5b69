"""The networks that words and names come from, in ONNX Runtime: LAC's, the fast and the accurate model."""
