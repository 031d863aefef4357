"""Train, measure and publish the weights that the Space serves."""

import logging

import digits as _digits  # noqa: F401 - before anything imports TensorFlow, to silence its log

# It warns of a home that it cannot write to, and when it lists the machine's fonts.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
