"""Worker processes that generate training data while a network trains."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any, Final, TypeVar

import cv2

_AHEAD: Final = 6
"""Number of results generated ahead."""

_T = TypeVar("_T")
_M = TypeVar("_M")
_material: Any


def _start(load: Callable[[], Any]) -> None:
    global _material  # noqa: PLW0603 - one per process
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _material = load()


def _end_with_the_parent() -> None:
    """Exit when the training process is killed; otherwise the worker would wait forever."""
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
    """Generate results in worker processes, a few ahead, in the order of their indices.

    Args:
        make: Takes material, seed and index; must be picklable.
        load: Returns the material; called once in each process, so it must be picklable.
        seed: Passed to every call.
        indices: One for each result.
        workers: Number of processes.
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
