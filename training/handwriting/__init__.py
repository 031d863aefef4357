"""Pen strokes: recorded, traced, written from templates, varied and drawn."""
