"""Silence the log messages of libraries during their import; importing this module is enough.

On processors that oneDNN supports, TensorFlow logs from static initializers, before it reads
`TF_CPP_MIN_LOG_LEVEL`, so stderr is discarded while it is imported. Matplotlib, which Keras
imports, warns of an unwritable home folder and when it lists the fonts.
"""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

KERAS_LOG = "absl"
"""Logger of Keras' warning that HDF5 is a legacy format, which is intended here."""


class _QuietLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with stderr_discarded():
            super().exec_module(module)


class _Finder:
    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _QuietLoader(name, spec.loader.path)
        return spec


@contextmanager
def stderr_discarded() -> Iterator[None]:
    """Discard everything that this process writes to file descriptor 2, including from C++."""
    if sys.__stderr__ is None:  # the process was started with stderr closed
        yield
        return
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def only_errors(name: str) -> Iterator[None]:
    """Raise a logger's level to errors, for converters that log a lot."""
    log = logging.getLogger(name)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


sys.meta_path.insert(0, _Finder)
logging.getLogger("matplotlib").setLevel(logging.ERROR)
