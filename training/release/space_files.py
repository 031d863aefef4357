"""The files of a Space: the app's own, the card with real names in it, and where weights are from.

The README of this repository is the Space's card too. On a Space its links into folders that are
not sent would lead nowhere, and its placeholders would stay placeholders; so they are filled in.
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
    """Read the app's files and make of them what a Space gets: the bytes by path.

    Args:
        root: The checkout.
        space: `owner/name` of the Space.
        model_repo: `owner/name` that the weights come from; None sends no note.
        source: Address of the repository on GitHub, for the links of the card; None leaves them.

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
    """Let the card's links to what a Space does not get lead to `https://github.com/owner/name`."""

    def replaced(match: re.Match[str]) -> str:
        target = match[1]
        if target.startswith("../../"):  # the usual way to GitHub's own pages of a repository
            return f"]({source}/{target.removeprefix('../../')})"
        if target in files:
            return match[0]
        kind = "raw" if _PICTURE.search(target) else "blob"
        return f"]({source}/{kind}/HEAD/{target})"

    return _LINK.sub(replaced, card).replace("https://github.com/OWNER/REPOSITORY", source)


def name_model(card: str, repo: str) -> str:
    """Enter the weights' repository into the card's metadata: the Space's page then links to it."""
    begin, block, text = card.split("---\n", 2)
    return "---\n".join((begin, f"{block}models:\n  - {repo}\n", text))
