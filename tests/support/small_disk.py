"""A disk that is really full, so that errors come from the system and not from a mock."""

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIZE_BYTES = 4 * 2**20
ROOM_BYTES = 100_000


@dataclass(frozen=True)
class SmallDisk:
    """A writable folder, on its own 4 MB disk if mounting is permitted."""

    folder: Path
    mounted: bool

    def fill(self, process: int = 0) -> None:
        """Leave 100 kB free; without a disk, limit the size of files that a process may write."""
        if self.mounted:
            left = os.statvfs(self.folder)
            filler = bytes(max(0, left.f_bavail * left.f_bsize - ROOM_BYTES))
            (self.folder / "filler").write_bytes(filler)
        else:
            _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
            resource.prlimit(process, resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))

    def free(self, process: int = 0) -> None:
        """Free the space, or lift the limit."""
        if self.mounted:
            (self.folder / "filler").unlink()
        else:
            _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
            resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a 4 MB disk at an empty folder, or fall back to limiting the size of files."""
    options = f"size={SIZE_BYTES},mode=0777"
    for sudo in ([], ["sudo", "-n"]):
        mount = [*sudo, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        # sudo may be missing, or a folder of the PATH not accessible.
        with contextlib.suppress(OSError):
            if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
                # Lazily: files read from it may still be mapped.
                unmount = [*sudo, "umount", "-l", str(folder)]
                break
    else:
        unmount = None
    disk = SmallDisk(folder, mounted=unmount is not None)
    try:
        yield disk
    finally:
        if unmount:
            subprocess.run(unmount, check=True)
        else:
            disk.free()
