"""The deep model, whose weights are in `annotators/network/deep`, and the pieces of words that it reads."""
