"""What the visitor sees: the drawing pad, the answer, their words, and views of an answer."""
