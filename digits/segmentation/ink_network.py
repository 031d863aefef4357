"""The extractor's architecture, as data.

It reads what the finder reads, in any size, and tells the same classes. See `digits.layers`;
training builds it in `training.extraction`, the app in `digits.segmentation.extractor`.
"""

from typing import Final

from digits.layers import Conv, Layer
from digits.segmentation.network import CLASSES, PICTURE, block, up

DIGIT_HEIGHT: Final = 40
"""Height in pixels of the digits that it sees, more or less."""

STEP: Final = 16
"""Height and width of what it reads are multiples of this."""

LAYERS: Final[tuple[Layer, ...]] = (
    Conv("stem", PICTURE, 12),
    Conv("down1", "stem", 24, stride=(2, 2)),
    Conv("level1", "down1", 24),
    Conv("down2", "level1", 40, stride=(2, 2)),
    *block("body2", "down2", 40),
    *block("level2", "body2", 40),
    Conv("down3", "level2", 56, stride=(2, 2)),
    *block("body3", "down3", 56),
    *block("level3", "body3", 56),
    Conv("down4", "level3", 72, stride=(2, 2)),
    *block("body4", "down4", 72),
    *block("level4", "body4", 72),
    *up("up3", "level4", "level3", 56),
    *block("fine3", "up3", 56),
    *up("up2", "fine3", "level2", 40),
    *block("fine2", "up2", 40),
    *up("up1", "fine2", "level1", 24),
    Conv("fine1", "up1", 24),
    *up("up0", "fine1", "stem", 12),
    Conv("fine0", "up0", 12),
    Conv("classes", "fine0", CLASSES, kernel=(1, 1), head=True),
)
"""The network; its output is `classes`: `(N, h, w, 4)` logits."""
