"""How glibc's allocator treats freed memory: returned by the app, kept by training.

Other C libraries are left as they are.
"""

import ctypes
import platform
from typing import Final

_TRIM_THRESHOLD: Final = -1
_TOP_PAD: Final = -2
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""Options of `mallopt`, by their numbers in malloc.h."""

_MIB: Final = 2**20


def return_freed_memory() -> None:
    """Return memory to the system soon after it is freed.

    The app reads pictures of every size in several threads. By default each thread gets an arena,
    none of them shrinks below its largest picture, and the app ends up with twice the memory.
    """
    _set({_ARENA_MAX: 2, _MMAP_THRESHOLD: _MIB, _TRIM_THRESHOLD: 4 * _MIB})


def keep_freed_memory() -> None:
    """Keep freed memory in the process.

    A training step frees and asks for the same hundred megabytes of tensors. Returned to the
    kernel, each page is zeroed again when it is touched: 100,000 pages a step of the default
    network, 40 % of the training's time where this was measured. TensorFlow 2.21 even asks for
    that, from 128 kB on, wherever Keras feeds it from Python.
    """
    largest = 32 * _MIB  # block that glibc can be told to take from its heap
    _set({_MMAP_THRESHOLD: largest, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 8 * largest})


def _set(options: dict[int, int]) -> None:
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    for option, value in options.items():
        mallopt(option, value)
