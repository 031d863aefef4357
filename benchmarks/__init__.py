"""Benchmarks of the running app, as its visitors use it."""

import training as _training  # noqa: F401 - before TensorFlow, to keep its log off stderr
