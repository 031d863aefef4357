"""Train, measure and publish the weights that the Space serves."""
