"""RLHF Studio: people's preferences in, aligned language models out."""

__version__ = "0.1.0"
