"""Train, measure and publish the weights that the Space serves."""

import digits as _digits  # noqa: F401 - before TensorFlow, to keep its log off stderr
