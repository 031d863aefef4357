"""The web page: drawing pad, answer, texts, and views of an answer."""
