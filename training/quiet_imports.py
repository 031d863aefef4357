"""Keep what libraries log while they are imported off stderr; importing this module is enough.

TensorFlow: on processors that oneDNN knows, it logs from its libraries' static initializers, before
it has read `TF_CPP_MIN_LOG_LEVEL`. So stderr leads nowhere while it is imported. Matplotlib, which
Keras imports: it warns of a home that cannot be written, and when it lists the machine's fonts.
"""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

KERAS_LOG = "absl"
"""What Keras warns by that HDF5 is its older format: here that is what is wanted."""


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
    """Discard what anything in this process writes to file descriptor 2, C++ included."""
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
    """Let a log say nothing but errors: converters tell much of no use to who exports."""
    log = logging.getLogger(name)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


sys.meta_path.insert(0, _Finder)
logging.getLogger("matplotlib").setLevel(logging.ERROR)
