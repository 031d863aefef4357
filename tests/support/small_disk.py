"""A disk that is full, for real: so that the system itself refuses, not a stand-in of ours."""

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
    """A folder that may be written to, on a disk of 4 MB if one may be mounted here."""

    folder: Path
    mounted: bool

    def fill(self, process: int = 0) -> None:
        """Leave room for 100 kB; without a disk of its own, for this or another process alone."""
        if self.mounted:
            left = os.statvfs(self.folder)
            filler = bytes(max(0, left.f_bavail * left.f_bsize - ROOM_BYTES))
            (self.folder / "filler").write_bytes(filler)
        else:
            _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
            resource.prlimit(process, resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))

    def free(self, process: int = 0) -> None:
        """Make room again."""
        if self.mounted:
            (self.folder / "filler").unlink()
        else:
            _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
            resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a disk of 4 MB at an empty folder, or let the system refuse large files there."""
    options = f"size={SIZE_BYTES},mode=0777"
    for sudo in ([], ["sudo", "-n"]):
        mount = [*sudo, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        # Not only a missing sudo: a folder of the PATH may be closed to this user.
        with contextlib.suppress(OSError):
            if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
                break
    else:
        disk = SmallDisk(folder, mounted=False)
        try:
            yield disk
        finally:
            disk.free()
        return
    try:
        yield SmallDisk(folder, mounted=True)
    finally:
        # Lazily: what was read from it may still be mapped.
        subprocess.run([*sudo, "umount", "-l", str(folder)], check=True)
