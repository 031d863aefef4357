"""Training keeps freed memory, the app returns it."""

import subprocess
import sys

PAGES_OF_20_BLOCKS = """
import resource, sys
from digits import malloc
import numpy as np
if sys.argv[1] == "keep":
    malloc.keep_freed_memory()
def block():
    first, second = np.ones(2**20), np.ones(2**20)  # 8 MB each
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

GROWN_BY_40_THREADS = """
import sys, threading
import numpy as np, psutil
from digits import malloc
if sys.argv[1] == "return":
    malloc.return_freed_memory()
def work():
    for _ in range(3):  # after the first round, glibc takes such blocks from its heap
        blocks = [np.ones(150_000) for _ in range(20)]  # 1.2 MB, like a picture's channels
        together.wait()
        del blocks
        kept.append(bytearray(100))
kept, together = [], threading.Barrier(40)
before = psutil.Process().memory_info().rss
threads = [threading.Thread(target=work) for _ in range(40)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print((psutil.Process().memory_info().rss - before) // 2**20)
"""


def printed(program: str, how: str) -> int:
    command = [sys.executable, "-c", program, how]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_freed_blocks_are_used_again_in_training():
    assert printed(PAGES_OF_20_BLOCKS, "keep") < printed(PAGES_OF_20_BLOCKS, "as it is") / 10


def test_freed_blocks_of_many_threads_are_returned_in_the_app():
    grown = printed(GROWN_BY_40_THREADS, "return")
    assert grown < 60, f"{grown} MB left of 960"
