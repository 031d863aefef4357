"""The three requirements files with pinned versions, and the lock generated from them."""

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
    """An entry of the lock.

    Attributes:
        name: Normalized name: lower case, hyphens.
        version: Pinned version.
        marker: Environment marker; None for all environments.
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
    """Return the entries of a lock; AssertionError if a line is not a release with hashes."""
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
    """Return the versions that the lock pins for this machine: name -> version."""
    locked = read_lock((ROOT / LOCK).read_text("utf-8"))
    return {each.name: each.version for each in locked if not each.marker or each.marker.evaluate()}


def _matches(pattern, text):
    """Match every line of a text except comments; AssertionError if one does not match."""
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    matches = [pattern.fullmatch(line) for line in lines]
    assert all(matches), lines[matches.index(None)]
    return matches
