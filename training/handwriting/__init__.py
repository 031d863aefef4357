"""Strokes of a pen: recorded, traced, written from templates, varied and drawn."""
