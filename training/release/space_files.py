"""The files of a Space: the app, its card with placeholders filled in, and its weights' source.

This repository's README is also the Space's card. Its links to files that are not deployed would
be dead on a Space, so they are redirected to GitHub.
"""

import json
import re
from collections.abc import Collection
from pathlib import Path

from digits import deployment
from training.console import UserError

CARD_FILE = "README.md"

_LINK = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")
_PICTURE = re.compile(r"\.(png|jpe?g|gif|webp|svg)$")


def collect(root: Path, space: str, model_repo: str | None, source: str | None) -> dict[str, bytes]:
    """Read the app's files and adapt them for a Space: bytes by path.

    Args:
        root: The checkout.
        space: `owner/name` of the Space.
        model_repo: `owner/name` of the weights; None omits `deployment.NOTE`.
        source: URL of the repository on GitHub for the card's links; None leaves them unchanged.

    Raises:
        UserError: If a file is missing.
    """
    files = dict(deployment.read_files(root))
    missing = [name for name in deployment.FILES if name not in files]
    if missing:
        raise UserError(f"{root} is not a checkout of the app: it lacks {', '.join(missing)}")
    files.pop(deployment.NOTE, None)
    card = files[CARD_FILE].decode("utf-8")
    if source:
        card = link_to_source(card, source.rstrip("/"), files)
    if model_repo:
        card = name_model(card, model_repo)
        note = {"model_repo": model_repo}
        files[deployment.NOTE] = (json.dumps(note, indent=2) + "\n").encode()
    files[CARD_FILE] = card.replace("OWNER/SPACE", space).encode()
    return files


def link_to_source(card: str, source: str, files: Collection[str]) -> str:
    """Point the card's links to files that are not deployed at `https://github.com/owner/name`."""

    def replaced(match: re.Match[str]) -> str:
        target = match[1]
        if target.startswith("../../"):  # the usual path to a repository's GitHub pages
            return f"]({source}/{target.removeprefix('../../')})"
        if target in files:
            return match[0]
        kind = "raw" if _PICTURE.search(target) else "blob"
        return f"]({source}/{kind}/HEAD/{target})"

    return _LINK.sub(replaced, card).replace("https://github.com/OWNER/REPOSITORY", source)


def name_model(card: str, repo: str) -> str:
    """Add the weights' repository to the card's metadata, so that the Space's page links to it."""
    begin, block, text = card.split("---\n", 2)
    return "---\n".join((begin, f"{block}models:\n  - {repo}\n", text))
