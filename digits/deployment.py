"""The deployment: the app's files and their fingerprint, and the model repository in use.

A Space does not tell its app which commit it was built from, so the app reports a fingerprint of
its files: equal fingerprints mean equal files.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = "training/results.json"
"""Measurements shown in the About tab."""

GALLERY = "training/figures/misread-mnist-test.png"
"""Misread test digits shown in the About tab."""

FILES = ("LICENSE", "README.md", "app.py", "packages.txt", "requirements.txt", RESULTS, GALLERY)
FOLDER = "digits"
"""Together with `FILES`, everything a Space needs from this repository."""

NOTE = f"{FOLDER}/deployed.json"
"""Written only when the app is deployed: `{"model_repo": "owner/name"}`."""


def read_files(root: Path = ROOT) -> dict[str, bytes]:
    """Read the app's files, without caches and hidden files.

    Returns:
        Bytes by path, such as `digits/hub.py`. Missing files of `FILES` are left out.
    """
    paths = [*(root / name for name in FILES), *(root / FOLDER).rglob("*")]
    names = {path.relative_to(root): path for path in paths if path.is_file()}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in sorted(names.items())
        if not any(part.startswith((".", "__pycache__")) for part in name.parts)
    }


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Return one SHA-256 for all files: that of their listing as printed by `sha256sum`."""
    listing = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(listing).encode()).hexdigest()


def model_repo(root: Path = ROOT) -> str | None:
    """Return `owner/name` of the model repository; None for the bundled weights.

    The environment variable `MODEL_REPO` takes precedence, where an empty string means the bundled
    weights. If it is unset, `NOTE` decides, if there is one.
    """
    if "MODEL_REPO" in os.environ:
        return os.environ["MODEL_REPO"] or None
    try:
        repo = json.loads((root / NOTE).read_bytes())["model_repo"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return repo if isinstance(repo, str) and repo else None
