"""Ink of handwritten digits in any picture, found by a learned network."""
