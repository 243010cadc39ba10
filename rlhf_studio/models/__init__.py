"""Find, convert and load models, and sample from them."""
