"""The files that let Hugging Face Inference Endpoints serve a model repository.

The Endpoints toolkit loads `handler.py` from the repository, installs `requirements.txt` and adds
the repository to Python's path. The handler uses the app's own modules, published beside it; they
are found by following imports.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HANDLER_FILE = "handler.py"
REQUIREMENTS_FILE = "requirements.txt"

_ROOT = Path(__file__).parents[2]
_PACKAGE = "digits"
_PACKAGES = ("numpy", "onnx", "onnxruntime", "opencv-python-headless", "pillow", "safetensors")
"""Distributions that the handler and the modules beside it import."""


def endpoint_files() -> dict[str, bytes]:
    """Return handler, requirements and modules: bytes by path in the model repository."""
    handler = Path(__file__).with_name(HANDLER_FILE)
    files = {HANDLER_FILE: handler.read_bytes(), REQUIREMENTS_FILE: _requirements()}
    package = _ROOT / _PACKAGE
    for path in (package / "__init__.py", *_needed(handler)):
        files[path.relative_to(_ROOT).as_posix()] = path.read_bytes()
    return files


def _needed(start: Path) -> list[Path]:
    """Return the modules of the package that a file imports, directly or indirectly."""
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        new = set(_imported(waiting.pop())) - found
        found |= new
        waiting += new
    return sorted(found)


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            module = _ROOT / f"{name.replace('.', '/')}.py"
            if name.startswith(f"{_PACKAGE}.") and module.is_file():
                yield module


def _requirements() -> bytes:
    """Pin the handler's packages to the app's versions."""
    text = (_ROOT / "requirements.txt").read_text("utf-8")
    pins = dict(re.findall(r"^([\w.-]+)(==[\w.]+)$", text, re.MULTILINE))
    return "".join(f"{name}{pins[name]}\n" for name in _PACKAGES).encode()
