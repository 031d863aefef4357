"""Pages with handwritten digits and all that surrounds them, made with exact labels."""
