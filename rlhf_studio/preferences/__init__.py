"""The human side: formats in and out, what a snapshot holds, simulated annotators."""
