"""Weights in the formats of other runtimes, and the handler that serves them elsewhere."""
