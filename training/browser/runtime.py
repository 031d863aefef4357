"""What computes the network in the browser: onnxruntime-web, from npm.

`package-lock.json` names it with the hash of every package, npm checks these, and no script of a
package is run.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.console import UserError

PACKAGE: Final = "onnxruntime-web"
FOLDER: Final = Path(__file__).parent
LOCK_FILE: Final = "package-lock.json"
_INSTALL: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


@dataclass(frozen=True)
class Runtime:
    """The files of the runtime: a JavaScript module, and the WebAssembly that it starts."""

    version: str
    script: bytes
    wasm: bytes


def load() -> Runtime:
    """Read the runtime that the lock names; npm installs it where it is not installed.

    Raises:
        UserError: If npm is missing, or cannot install it.
    """
    install(FOLDER)
    folder = FOLDER / "node_modules" / PACKAGE
    return Runtime(
        json.loads((folder / "package.json").read_bytes())["version"],
        (folder / "dist" / "ort.wasm.bundle.min.mjs").read_bytes(),
        (folder / "dist" / "ort-wasm-simd-threaded.wasm").read_bytes(),
    )


def install(folder: Path) -> None:
    """Let npm install what the folder's lock names and nothing else, where it is not installed.

    Raises:
        UserError: If npm is missing, or cannot install it.
    """
    lock, installed = folder / LOCK_FILE, folder / "node_modules" / f".{LOCK_FILE}"
    if installed.is_file() and hashes(installed) == hashes(lock):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            "npm is missing, which brings the page's runtime: install Node.js 20 or newer "
            "(apt-get install nodejs npm) and run the same command again"
        )
    # The command is npm's own, its arguments are above.
    done = subprocess.run(  # noqa: S603
        [npm, *_INSTALL], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        reason = (
            "; ".join(line.removeprefix("npm error ") for line in lines[:3]) or "no reason given"
        )
        raise UserError(
            f"npm cannot install what {lock} names ({reason}): see to its access "
            "to the registry and run the same command again"
        )


def hashes(lock: Path) -> dict[str, str]:
    """Read what a lock of npm names: the hash of each package."""
    packages = json.loads(lock.read_bytes())["packages"]
    return {name: package["integrity"] for name, package in packages.items() if name}
