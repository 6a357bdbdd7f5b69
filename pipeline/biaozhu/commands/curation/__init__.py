"""Commands from layers to gold: agree, bias, adjudicate, select, gold."""
