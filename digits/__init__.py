"""Handwritten digit recognition, shared by the app, the training, the command line and the tests.

```python
from digits import load

reader = load()
answer = reader.predict("seven.png")
print(answer.digit, answer.confidences)
print(reader.read("number.png").number)
```

Public names are imported on first use, so `import digits` is instant; `load()` takes a moment.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

# Since 1.29 ONNX Runtime reports each session to Microsoft unless told otherwise.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "1.0.0"

if TYPE_CHECKING:
    from digits.hub import HubError
    from digits.library import Reader, load
    from digits.pictures import PictureError
    from digits.prediction import Prediction, ReadDigit, Reading
    from digits.weights import WeightsError

__all__ = [
    "HubError",
    "PictureError",
    "Prediction",
    "ReadDigit",
    "Reader",
    "Reading",
    "WeightsError",
    "load",
]

_HOMES = {
    "HubError": "hub",
    "PictureError": "pictures",
    "Prediction": "prediction",
    "ReadDigit": "prediction",
    "Reader": "library",
    "Reading": "prediction",
    "WeightsError": "weights",
    "load": "library",
}
"""The module of each public name."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - classes and a function
    """Import a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List all public names, imported or not."""
    return sorted({*globals(), *__all__})
