"""What the tests need from npm: `tests/package-lock.json` names it with its hashes."""

import fcntl
import json
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[1]
MODULES = FOLDER / "node_modules"
LOCK = "package-lock.json"
COMMAND = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def modules():
    """Install what the lock names, where that is not done already; return the folder."""
    with (FOLDER / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several workers, one installs
        if _versions(MODULES / f".{LOCK}") != _versions(FOLDER / LOCK):
            done = subprocess.run(COMMAND, cwd=FOLDER, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    return MODULES


def _versions(lock):
    if not lock.is_file():
        return {}
    packages = json.loads(lock.read_text("utf-8"))["packages"]
    return {name: package["integrity"] for name, package in packages.items() if name}
