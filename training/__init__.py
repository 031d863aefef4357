"""Train, measure and publish the weights that the Space serves.

The modules here are the commands and the training itself. The packages below them: `data`,
`handwriting` (strokes), `augmentation` (of training images), `synthesis` (of pictures and pages),
`evaluation`, `export` (formats of other runtimes), `release` (publishing to the Hub) and `browser`
(the page without a server).
"""

from training import quiet_imports as _quiet_imports  # noqa: F401 - before any other import
