"""Measure the running app as its visitors meet it."""

import digits as _digits  # noqa: F401 - before anything imports TensorFlow, to silence its log
