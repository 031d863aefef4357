"""Keep freed memory in the process while training.

Every step frees and asks for the same hundred megabytes of tensors. The GNU C library hands such
blocks back to the kernel, which zeroes each page anew when it is touched: about 100,000 pages a
step of the default network, and 40 % of the training's time where this was measured. TensorFlow
2.21 even asks for that, from 128 kB on, wherever Keras feeds it from Python.
"""

import ctypes
import platform

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""What `mallopt` sets, by its numbers in malloc.h."""

_LARGEST_BLOCK = 32 * 1024**2
"""The largest block, in bytes, that glibc can be told to take from its heap."""


def keep_freed_memory() -> None:
    """Tell glibc's allocator not to give memory back; does nothing under other C libraries."""
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    for option, size in (
        (_MMAP_THRESHOLD, _LARGEST_BLOCK),
        (_TRIM_THRESHOLD, 2**31 - 1),
        (_TOP_PAD, 8 * _LARGEST_BLOCK),
    ):
        mallopt(option, size)
