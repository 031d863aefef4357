"""Measuring weights: what they answer, and to whose handwriting."""
