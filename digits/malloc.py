"""Settings of glibc's allocator: the app returns freed memory, training keeps it.

No effect with other C libraries.
"""

import ctypes
import platform
from typing import Final

_TRIM_THRESHOLD: Final = -1
_TOP_PAD: Final = -2
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""Parameters of `mallopt`, as numbered in malloc.h."""

_MIB: Final = 2**20


def return_freed_memory() -> None:
    """Return freed memory to the system soon.

    The app reads pictures of any size in several threads. By default each thread gets an arena that
    never shrinks below its largest picture, and the app ends up with twice the memory.
    """
    _set({_ARENA_MAX: 2, _MMAP_THRESHOLD: _MIB, _TRIM_THRESHOLD: 4 * _MIB})


def keep_freed_memory() -> None:
    """Keep freed memory in the process.

    Each training step frees and allocates the same hundred megabytes of tensors. If they are
    returned to the kernel, every page is zeroed on its next use: 100,000 pages per step of the
    default network, 40 % of the training time where this was measured. TensorFlow 2.21 even
    requests this for blocks from 128 kB on when Keras feeds it from Python.
    """
    largest = 32 * _MIB  # maximum that glibc accepts for _MMAP_THRESHOLD
    _set({_MMAP_THRESHOLD: largest, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 8 * largest})


def _set(options: dict[int, int]) -> None:
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    for option, value in options.items():
        mallopt(option, value)
