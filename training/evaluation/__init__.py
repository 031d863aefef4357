"""Evaluation of sets of weights."""
