"""Gradio is imported whole, but for the stub files."""

import json
import subprocess
import sys

from tests.conftest import ROOT

COMPONENTS = """
import json, sys
import gradio
from gradio import component_meta
kinds = {n: v for n, v in vars(gradio).items() if isinstance(v, component_meta.ComponentMeta)}
print(json.dumps({
    "components": {n: [str(e) for e in kinds[n].EVENTS] for n in sorted(kinds)},
    "modules": sorted(m for m in sys.modules if m.split(".")[0] == "gradio"),
    "parts": sorted(n for n, v in vars(gradio).items() if type(v) is type(sys)),
}))
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_gradio_is_the_same_without_stubs():
    usual, without = (
        json.loads(run(before + COMPONENTS))
        for before in ("", "import digits.page.without_stubs\n")
    )
    assert len(usual["components"]) > 30
    assert without == usual


def test_the_app_imports_gradio_so():
    code = "import app; from gradio import component_meta as m; print(m.create_or_modify_pyi)"
    assert "_write_nothing" in run(code)
