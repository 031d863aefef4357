"""Measure the running app as its visitors meet it."""

import digits as _digits  # noqa: F401 - before TensorFlow, to keep its log off stderr
