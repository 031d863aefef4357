"""The three files that pin what is needed, and the lock that is made of them."""

import re
from typing import NamedTuple

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

REQUIREMENTS = ("requirements.txt", "training/requirements.txt", "tests/requirements.txt")
LOCK = "tests/requirements.lock"

_PINNED = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)(?:; .+)?")
_LOCKED = re.compile(r"([\w.-]+)==([\w.]+)(?: ; ([^#]+?))?((?: --hash=sha256:[0-9a-f]{64})+)")


class Locked(NamedTuple):
    """One line of the lock.

    Attributes:
        name: As the index writes it: lower case, hyphens.
        version: The only one that is allowed.
        marker: Says for which machines it is meant; None is all of them.
        hashes: SHA-256 of the release's files.
    """

    name: str
    version: str
    marker: Marker | None
    hashes: set[str]


def pins(file):
    """Return the pinned requirements of a file: name without extras -> version."""
    text = re.sub(r"(?m)^-r .*", "", (ROOT / file).read_text("utf-8"))
    return {canonicalize_name(match[1]): match[2] for match in _matches(_PINNED, text)}


def read_lock(text):
    """Return every line of a lock; AssertionError if one is no release with its hashes."""
    return [
        Locked(
            canonicalize_name(match[1]),
            match[2],
            Marker(match[3]) if match[3] else None,
            set(match[4].replace("--hash=sha256:", "").split()),
        )
        for match in _matches(_LOCKED, re.sub(r" \\\n +", " ", text))
    ]


def locked_here():
    """Return what the lock means for this machine: name -> version."""
    locked = read_lock((ROOT / LOCK).read_text("utf-8"))
    return {each.name: each.version for each in locked if not each.marker or each.marker.evaluate()}


def _matches(pattern, text):
    """Match every line of a text but comments; AssertionError if one does not."""
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    matches = [pattern.fullmatch(line) for line in lines]
    assert all(matches), lines[matches.index(None)]
    return matches
