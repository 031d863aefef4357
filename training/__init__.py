"""Train, measure and publish the weights that the Space serves."""

import digits as _digits  # noqa: F401 - before anything imports TensorFlow, to silence its log
