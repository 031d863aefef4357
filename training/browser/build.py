"""Put the page together: the app's parts, the network, and what computes it, in one file.

One file, because a page that was opened from disk may not fetch another: the network and its
runtime lie in it, packed. It works as well behind any server that only sends files.
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
    """Make the files of a static Space, or of any folder that opens in a browser: bytes by path.

    Raises:
        UserError: If the runtime cannot be had.
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
    """The network with its calibration, as ONNX: probabilities, then the layers to look into."""
    config = weights.config
    network = networks.find(config.network)
    outputs = [onnx_graph.PROBABILITIES, *(step.name for step in visible_steps(network))]
    model = onnx_graph.build(network, weights.tensors, config.temperature, outputs)
    return model.SerializeToString()


def _page(weights: Weights, engine: Runtime) -> str:
    content = {
        "title": html.escape(PAGE_WORDS["en"]["title"]),
        "notice": f"{runtime.PACKAGE} {engine.version} lies in this page: "
        "Copyright (c) Microsoft Corporation, under the MIT licence.",
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
    """Join the scripts: what all share, then each of the app's parts in a block of its own."""
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
    """One part of the app's page with the names that Gradio hands to its script."""
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
    # No text can end the script that it stands in.
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/")


def _packed(content: bytes) -> str:
    """Pack for a place within a page; the same content gives the same text."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
