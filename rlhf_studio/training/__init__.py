"""One file an algorithm. Data comes in as arguments, progress goes out through a RunContext."""
