"""The fast model: text -> the teacher's probabilities -> training of the student -> ONNX graph and card."""
