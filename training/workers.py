"""Training data made in other processes while a network learns."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any, Final, TypeVar

import cv2

_AHEAD: Final = 6
"""What is made before it is wanted."""

_T = TypeVar("_T")
_M = TypeVar("_M")
_material: Any


def _start(load: Callable[[], Any]) -> None:
    global _material  # noqa: PLW0603 - one of its own for each process
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _material = load()


def _end_with_the_parent() -> None:
    """Stop this process when training is killed; it would wait for work for ever."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _make(make: Callable[[Any, int, int], _T], seed: int, index: int) -> _T:
    return make(_material, seed, index)


def produce(
    make: Callable[[_M, int, int], _T],
    load: Callable[[], _M],
    seed: int,
    indices: Iterable[int],
    workers: int,
) -> Iterator[_T]:
    """Make things in other processes, a few ahead, in the order of their indices.

    Args:
        make: A function of a module: material, seed and index to what is wanted.
        load: Returns the material, once for each process; it is sent there.
        seed: Of all.
        indices: One for each thing that is made.
        workers: How many processes make them.
    """
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start, (load,)) as pool:
        waiting: deque[Future[_T]] = deque()
        for index in indices:
            waiting.append(pool.submit(_make, make, seed, index))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
