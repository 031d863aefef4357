"""Fuzz the decoding and recognition of pictures.

    python -m tests.digits.fuzz --seconds 600            search; findings go to the folder `found`
    python -m tests.digits.fuzz --folder DIR ...         resume an earlier search in DIR
    python -m tests.digits.fuzz --again found/crash-...  try one file again

A file must give an upright picture or a `PictureError`, and the picture an answer, within a limit
of time and memory. Atheris (libFuzzer) mutates files of all formats at random and keeps those that
reach new code. Add what it finds to the corpus: `tests/support/corpus.py`.
"""

import argparse
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["PIL", "digits"]):
    import numpy as np
    from PIL import Image

    Image.preinit()
    Image.init()
    from digits.pictures import PictureError, load_picture
    from digits.recognizer import Recognizer
    from digits.weights import BUNDLED, load_folder

from tests.support.picture_files import PNG, readable, with_checksums

MAX_FILE_BYTES = 16_384
SECONDS_FOR_ONE = 30
MEGABYTES = 4096
BATCH_SECONDS = 30
"""Atheris leaks about half a megabyte per file, so it is restarted regularly."""

LARGE = 1_000_000
"""Larger pictures, in pixels, are only decoded: the finder would downscale them anyway."""

RECOGNIZER = Recognizer(load_folder(BUNDLED))


def try_file(content: bytes) -> None:
    """Decode a file and predict as the app does; raise if the result is invalid."""
    try:
        picture = load_picture(content)
    except PictureError as refused:
        assert str(refused).endswith(".")  # noqa: PT017 - not a pytest test
        return
    assert picture.dtype == np.uint8
    assert picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    if picture.size > LARGE:
        return
    prediction = RECOGNIZER.predict(picture)
    assert abs(sum(prediction.confidences) - 1) < 1e-4
    if prediction.image is not None:
        assert prediction.image.shape == (28, 28)
        assert 0 <= prediction.image.min() <= prediction.image.max() <= 1


def change(content: bytes, max_bytes: int, seed: int) -> bytes:
    """Mutate a file; every other PNG gets correct checksums, so that it passes their check."""
    changed = atheris.Mutate(content, max_bytes)
    return with_checksums(changed) if seed % 2 and changed.startswith(PNG) else changed


def search(folder: Path, seconds: int, seed: int) -> None:
    """Search until the time is up or something is found, which ends the process.

    The folder gets `seeds`, the files that reached new code, and `found`.
    """
    for name in ("seeds", "found"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, file in readable().items():
        if len(file.content) <= MAX_FILE_BYTES:
            (folder / "seeds" / name).write_bytes(file.content)
    arguments = [
        str(folder / "seeds"),
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={MAX_FILE_BYTES}",
        f"-timeout={SECONDS_FOR_ONE}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={folder / 'found'}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *arguments], try_file, custom_mutator=change)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description="Search for files that break the app.")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="kept for the next search")
    parser.add_argument("--again", type=Path, help="a file to try once")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # Pillow warns about much in such files
    if arguments.again:
        try_file(arguments.again.read_bytes())
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="digits-fuzz-"))
    if arguments.seconds <= BATCH_SECONDS:
        search(folder, arguments.seconds, arguments.seed)
    for batch, done in enumerate(range(0, arguments.seconds, BATCH_SECONDS)):
        seconds = min(BATCH_SECONDS, arguments.seconds - done)
        command = ["--seconds", str(seconds), "--seed", str(arguments.seed + batch)]
        command += ["--folder", str(folder)]
        status = subprocess.run([sys.executable, "-m", "tests.digits.fuzz", *command], check=False)
        if status.returncode:
            sys.exit(f"found something: see {folder / 'found'}")


if __name__ == "__main__":
    main()
