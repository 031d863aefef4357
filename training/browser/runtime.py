"""The network's runtime in the browser: onnxruntime-web, from npm.

`package-lock.json` locks every package by hash. npm verifies them and runs no package scripts.
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
    """The runtime's files: a JavaScript module and its WebAssembly."""

    version: str
    script: bytes
    wasm: bytes


def load() -> Runtime:
    """Read the locked runtime, installed by npm if necessary.

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
    """Let npm install exactly the packages of the folder's lock, unless they are installed.

    Raises:
        UserError: If npm is missing, or cannot install it.
    """
    lock, installed = folder / LOCK_FILE, folder / "node_modules" / f".{LOCK_FILE}"
    if installed.is_file() and hashes(installed) == hashes(lock):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            "npm, which installs the page's runtime, is missing: install Node.js 20 or newer "
            "(apt-get install nodejs npm) and run the same command again"
        )
    # The command is npm with constant arguments.
    done = subprocess.run(  # noqa: S603
        [npm, *_INSTALL], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        reason = (
            "; ".join(line.removeprefix("npm error ") for line in lines[:3]) or "no reason given"
        )
        raise UserError(
            f"npm cannot install the packages of {lock} ({reason}): check its access "
            "to the registry and run the same command again"
        )


def hashes(lock: Path) -> dict[str, str]:
    """Read the hash of each package from an npm lock."""
    packages = json.loads(lock.read_bytes())["packages"]
    return {name: package["integrity"] for name, package in packages.items() if name}
