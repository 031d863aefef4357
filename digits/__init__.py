"""Reading handwritten digits: the one implementation that app, training and tests share."""
