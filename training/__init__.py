"""Train, measure and publish the weights that the Space serves.

The modules here are commands and what training itself consists of. Packages hold what these stand
on: `data`, `handwriting` (strokes), `augmentation` (what training shows), `synthesis` (pictures and
pages that are made), `evaluation`, `export` (formats of other runtimes), `release` (the way to the
Hub) and `browser` (the page without a server).
"""

from training import quiet_imports as _quiet_imports  # noqa: F401 - first, to work on the others
