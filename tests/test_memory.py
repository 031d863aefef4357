"""Training keeps the memory it frees."""

import subprocess
import sys

PAGES_OF_20_BLOCKS = """
import resource, sys
from training.memory import keep_freed_memory
import numpy as np
if sys.argv[1] == "keep":
    keep_freed_memory()
def block():
    first, second = np.ones(2**20), np.ones(2**20)  # 8 MB each
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_touched_anew(how: str) -> int:
    command = [sys.executable, "-c", PAGES_OF_20_BLOCKS, how]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_freed_blocks_are_used_again():
    assert pages_touched_anew("keep") < pages_touched_anew("as it is") / 10
