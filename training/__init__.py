"""Train, measure and publish the weights that the Space serves."""

from training import quiet_imports as _quiet_imports  # noqa: F401 - first, to work on the others
