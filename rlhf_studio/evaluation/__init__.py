"""How good a model is, each figure with its uncertainty."""
