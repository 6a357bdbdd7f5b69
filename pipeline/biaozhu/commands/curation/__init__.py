"""Commands from layers to gold: agree, bias, adjudicate, gold, select."""
