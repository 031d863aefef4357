"""A run folder as of `training.train` and `training.export`, without running them."""

import json
import shutil
from pathlib import Path

import pytest

from digits import weights
from training.export import exports

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


def write_finished_run(folder: Path) -> Path:
    """Copy the bundled weights and add the other files of a run, with stand-ins for exports."""
    shutil.copytree(weights.BUNDLED, folder)
    (folder / "recipe.json").write_text('{"seed": 0}')
    (folder / "history.csv").write_text("epoch,loss\n1,0.5\n")
    (folder / "misread.png").write_bytes(PICTURE)
    (folder / "checkpoint.npz").write_bytes(b"of an unfinished run")
    write_exports(folder)
    return folder


def write_exports(run: Path) -> None:
    """Write stand-ins for all exports of a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "write_format", write_stand_in)
        exports.export(weights.load_folder(run), run / exports.FOLDER, exports.FORMATS, pytest.fail)


def write_stand_in(name, found, path, _calibration):
    """Replace `training.export.exports.write_format`, which takes seconds."""
    path = path / "1" / "saved_model.pb" if name == "savedmodel" else path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{name} of {found.config}")


def change_config(run: Path, **values):
    """Change values in a run's `config.json`."""
    path = run / weights.CONFIG_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
