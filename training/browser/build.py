"""Build the page: the app's components, the network and its runtime in a single file.

A page opened from disk may not fetch other files, so network and runtime are embedded, compressed.
It also works on any static file server.
"""

import base64
import gzip
import html
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

from digits import networks, onnx_graph
from digits.activations import visible_steps
from digits.drawing import MAX_POINTS
from digits.examples import all_examples
from digits.page import components
from digits.page.views import weights_view
from digits.server.inside import layer_view
from digits.service import describe
from digits.weights import Weights
from training.browser import runtime
from training.browser.runtime import Runtime
from training.browser.words import PAGE_WORDS

PAGE_FILE: Final = "index.html"
CARD_FILE: Final = "README.md"

_FOLDER: Final = Path(__file__).parent
_SCRIPTS: Final = ("page.js", "drawing.js", "preprocessing.js", "network.js", "reader.js")


def build(weights: Weights) -> dict[str, bytes]:
    """Build the files of a static Space, or of any folder that opens in a browser: bytes by path.

    Raises:
        UserError: If the runtime cannot be installed.
    """
    engine = runtime.load()
    card = {
        "name": _name(weights),
        "weights": describe(weights),
        "runtime": f"{runtime.PACKAGE} {engine.version}",
        "models": f"models:\n  - {weights.origin.repo}\n" if weights.origin.repo else "",
    }
    return {
        PAGE_FILE: _page(weights, engine).encode(),
        CARD_FILE: Template(_read("card.md")).substitute(card).encode(),
    }


def onnx(weights: Weights) -> bytes:
    """Return the calibrated network as ONNX: probabilities first, then the visible layers."""
    config = weights.config
    network = networks.find(config.network)
    outputs = [onnx_graph.PROBABILITIES, *(step.name for step in visible_steps(network))]
    model = onnx_graph.build(network, weights.tensors, config.temperature, outputs)
    return model.SerializeToString()


def _page(weights: Weights, engine: Runtime) -> str:
    content = {
        "title": html.escape(PAGE_WORDS["en"]["title"]),
        "notice": f"{runtime.PACKAGE} {engine.version} is part of this page: "
        "Copyright (c) Microsoft Corporation, under the MIT License.",
        "styles": _read("page.css") + components.text("page.css") + components.text("inside.css"),
        "pad": components.text("pad.html"),
        "answer": components.text("answer.html"),
        "inside": components.text("inside.html"),
        "script": _script(weights),
        "model": _packed(onnx(weights)),
        "runtime_script": _packed(engine.script),
        "runtime_wasm": _packed(engine.wasm),
    }
    return Template(_read("index.html")).substitute(content)


def _script(weights: Weights) -> str:
    """Join the scripts: shared code, then each of the app's components in its own block."""
    shown = visible_steps(networks.find(weights.config.network))
    about = {
        "model": _name(weights),
        "weights": weights_view(weights),
        "layers": [layer_view(step) for step in shown],
        "rejection_threshold": weights.config.rejection_threshold,
    }
    digits = [example for example in all_examples() if len(str(example["name"])) == 1]
    pad = {"examples": digits, "max_points": MAX_POINTS}
    pieces = [
        "'use strict'",
        f"const ABOUT = {_json(about)}",
        "const element = document.body",
        f"window.gradio_config = {{ i18n_translations: {_json(PAGE_WORDS)} }}",
        components.text("common.js"),
        *(_read(name) for name in _SCRIPTS),
        _part("pad-column", pad, ["pad.js", "examples.js", "overlay.js"]),
        _part("answer-column", {"asks_why": False}, ["answer.js"]),
        _part("inside-column", {}, ["fold.js", "inside.js"]),
    ]
    return "\n".join(pieces)


def _part(place: str, settings: Mapping[str, Any], scripts: list[str]) -> str:
    """Return a component of the app's page, with the names that Gradio passes to its script."""
    pieces = [
        f"const element = document.getElementById('{place}')",
        f"const props = {{ settings: {_json(settings)} }}",
        *(components.text(name) for name in scripts),
    ]
    return "\n".join(["{", *pieces, "}"])


def _name(weights: Weights) -> str:
    if weights.origin.repo:
        return weights.origin.label
    return f"weights {weights.config.sha256[:7]}"


def _json(value: object) -> str:
    # No value can close the <script> element around it.
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/")


def _packed(content: bytes) -> str:
    """Compress for embedding in a page; the same content gives the same text."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
