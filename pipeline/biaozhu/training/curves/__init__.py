"""Learning curves: models trained on more and more gold, what more of it promises, and whether to go on."""
