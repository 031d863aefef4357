"""A disk that is full, for real: so that the system itself refuses, not a stand-in of ours."""

import contextlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SIZE_BYTES = 4 * 2**20


@dataclass(frozen=True)
class SmallDisk:
    """A folder on a disk of 4 MB.

    Attributes:
        folder: May be written to.
        fill: Leaves room for no more than 100 kB.
        free: Makes room again.
    """

    folder: Path
    fill: Callable[[], None]
    free: Callable[[], None]


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a disk of 4 MB; where that is not allowed, let the system refuse large files.

    Args:
        folder: An empty folder.
    """
    sudo = _mount_tmpfs(folder)
    if sudo is not None:
        try:
            yield _on_tmpfs(folder)
        finally:
            # Lazily: what was read from it may still be mapped.
            subprocess.run([*sudo, "umount", "-l", str(folder)], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size_bytes: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))

    try:
        yield SmallDisk(folder, lambda: limit(100_000), lambda: limit(before[0]))
    finally:
        limit(before[0])


def _mount_tmpfs(folder: Path) -> list[str] | None:
    """Mount a small disk; return what had to stand before the command, None if it is forbidden."""
    options = f"size={SIZE_BYTES},mode=0777"
    for sudo in ([], ["sudo", "-n"]):
        mount = [*sudo, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        # Not only a missing sudo: a folder of the PATH may be closed to this user.
        with contextlib.suppress(OSError):
            if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
                return sudo
    return None


def _on_tmpfs(folder: Path) -> SmallDisk:
    filler = folder / "filler"

    def fill() -> None:
        left = os.statvfs(folder)
        filler.write_bytes(bytes(max(0, left.f_bavail * left.f_bsize - 100_000)))

    return SmallDisk(folder, fill, filler.unlink)
