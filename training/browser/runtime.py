"""What computes the network in the browser: onnxruntime-web, from npm.

`package-lock.json` names it down to the hash of every file, npm checks these, and no script of a
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
SCRIPT_FILE: Final = "ort.wasm.bundle.min.mjs"
WASM_FILE: Final = "ort-wasm-simd-threaded.wasm"

FOLDER: Final = Path(__file__).parent
_MODULES: Final = FOLDER / "node_modules"
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
    version = _locked(FOLDER / LOCK_FILE)
    installed = _MODULES / f".{LOCK_FILE}"
    if not installed.is_file() or _locked(installed) != version:
        install()
    folder = _MODULES / PACKAGE / "dist"
    return Runtime(version, (folder / SCRIPT_FILE).read_bytes(), (folder / WASM_FILE).read_bytes())


def install() -> None:
    """Let npm install what the lock names, and nothing else.

    Raises:
        UserError: If npm is missing, or cannot install it.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            "npm is missing, which brings the page's runtime: install Node.js 20 or newer "
            "(apt-get install nodejs npm) and run the same command again"
        )
    # The command is npm's own, its arguments are above.
    done = subprocess.run(  # noqa: S603
        [npm, *_INSTALL], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        reason = (
            "; ".join(line.removeprefix("npm error ") for line in lines[:3]) or "no reason given"
        )
        raise UserError(
            f"npm cannot install what {FOLDER / LOCK_FILE} names ({reason}): see to its access "
            "to the registry and run the same command again"
        )


def _locked(lock: Path) -> str:
    version: str = json.loads(lock.read_bytes())["packages"][f"node_modules/{PACKAGE}"]["version"]
    return version
