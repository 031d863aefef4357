"""Gradio is imported whole, but for the stub files."""

import json
import subprocess
import sys

import pytest

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


@pytest.mark.nightly
def test_gradio_is_the_same_without_stubs():
    usual, without = (
        json.loads(subprocess.check_output([sys.executable, "-c", before + COMPONENTS], cwd=ROOT))
        for before in ("", "import digits.page.without_stubs\n")
    )
    assert len(usual["components"]) > 30
    assert without == usual
