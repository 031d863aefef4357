"""What is deployed: which files make up the app, and the weights' repository that came with them.

A Space does not tell its app which commit it was built from, so the app reports a fingerprint of
its files: equal fingerprints are equal files.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = "training/results.json"
"""What the About tab shows of what was measured."""

GALLERY = "training/figures/misread-mnist-test.png"
"""What the About tab shows of what is misread."""

FILES = ("LICENSE", "README.md", "app.py", "packages.txt", "requirements.txt", RESULTS, GALLERY)
FOLDER = "digits"
"""With `FILES`, all that a Space needs of this repository."""

NOTE = f"{FOLDER}/deployed.json"
"""Is written when the app is deployed, and in no other copy: `{"model_repo": "owner/name"}`."""


def read_files(root: Path = ROOT) -> dict[str, bytes]:
    """Read the app's own files, without caches and hidden files.

    Returns:
        The bytes by path, such as `digits/hub.py`. A file of `FILES` that is missing is left out.
    """
    paths = [*(root / name for name in FILES), *(root / FOLDER).rglob("*")]
    names = {path.relative_to(root): path for path in paths if path.is_file()}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in sorted(names.items())
        if not any(part.startswith((".", "__pycache__")) for part in name.parts)
    }


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Return one SHA-256 for all files: that of their listing as `sha256sum` prints it."""
    listing = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(listing).encode()).hexdigest()


def model_repo(root: Path = ROOT) -> str | None:
    """Return `owner/name` of the repository that the weights come from; None if it is none.

    The variable `MODEL_REPO` decides; an empty one stands for the bundled weights. Without it the
    note decides that came with the app's files, if any.
    """
    if "MODEL_REPO" in os.environ:
        return os.environ["MODEL_REPO"] or None
    try:
        repo = json.loads((root / NOTE).read_bytes())["model_repo"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return repo if isinstance(repo, str) and repo else None
