"""The exports that go with a release: those of the run, those that are published, or new ones.

Some formats hold the time at which they were written. So what lies in the run folder is kept, and
what a repository holds of the same weights is taken over; only else are exports made. Publishing
again therefore changes nothing.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import EntryNotFoundError

from digits.weights import Weights
from training.data.mnist import load_mnist
from training.export import exports
from training.export.exports import EXPORTS_FILE, FOLDER, FORMATS, Notes
from training.release.hub_client import one_line


def bring(  # noqa: PLR0913 - where exports may come from
    api: HfApi, repo: str, head: str, run: Path, found: Weights, *, data: Path | None = None
) -> Notes:
    """See to it that the run folder holds every format of its weights.

    `head` is the repository's newest commit. `data` is as for `load_mnist`; it is read only if
    exports have to be made.

    Returns:
        What was exported and how it compares with the app.

    Raises:
        UserError: If the Hub does not deliver, or there is no MNIST to fit 8 bits to.
    """
    folder = run / FOLDER
    notes = exports.complete(folder, found) or _take_over(api, repo, head, folder, found)
    if notes is None:
        print("exporting to other formats and comparing them with the app (a minute or two)")
        mnist = load_mnist(data)
        notes = exports.export(found, folder, FORMATS, lambda: exports.calibration_images(mnist))
        notes = exports.checked(found, folder, mnist)
    return notes


def read_files(run: Path, notes: Mapping[str, Any]) -> dict[str, bytes]:
    """Read the exports that `bring` noted: the bytes by path in the repository."""
    names = [f"{FOLDER}/{name}" for name in (EXPORTS_FILE, *_names(notes))]
    return {name: (run / name).read_bytes() for name in names}


def _names(notes: Mapping[str, Any]) -> Iterator[str]:
    """Name the files of all formats; nothing that lies elsewhere, whatever the notes say."""
    for kind, place in FORMATS.items():
        for name in notes["formats"][kind]["files"]:
            path = PurePosixPath(name)
            if path.is_relative_to(place) and ".." not in path.parts:
                yield name


def _take_over(api: HfApi, repo: str, head: str, folder: Path, found: Weights) -> Notes | None:
    """Bring here what is published of the same weights; None if that is not all or another's."""
    with tempfile.TemporaryDirectory() as cache, one_line(repo, head):

        def download(name: str) -> Path:
            return Path(
                api.hf_hub_download(repo, f"{FOLDER}/{name}", revision=head, cache_dir=cache)
            )

        try:
            notes = json.loads(download(EXPORTS_FILE).read_bytes())
            if not exports.is_of(notes, found):
                return None
            for name in (EXPORTS_FILE, *_names(notes)):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(download(name), folder / name)
        except (EntryNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            # There are none, or their notes are of another form: then new ones are made.
            return None
    return exports.complete(folder, found)
