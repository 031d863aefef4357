"""The parts of the page that are the project's own, from the drawing pad to the comparison."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import gradio as gr

from digits.demos import DEMOS
from digits.drawing import MAX_BRUSH, MAX_POINTS
from digits.examples import all_examples
from digits.page.about import about_text
from digits.page.i18n import WORDS
from digits.pictures import MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE, MIN_SIDE

_FOLDER: Final = Path(__file__).parent / "static"

STYLES: Final = [
    _FOLDER / name for name in ("page.css", "upload.css", "inside.css", "compare.css", "about.css")
]


def text(name: str) -> str:
    """Read one of the page's files."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def part(
    template: str,
    *scripts: str,
    functions: Sequence[Callable[..., Any]] = (),
    settings: Mapping[str, object] | None = None,
) -> gr.HTML:
    """Make one part of the page of files in `static/`.

    It never changes after the first rendering: a new one would erase the canvas.

    Args:
        template: The part's HTML.
        scripts: Run after `common.js`.
        functions: Those of the server that the scripts call.
        settings: What the scripts find in `props.settings`.
    """
    return gr.HTML(
        html_template=text(template),
        js_on_load="".join(text(name) for name in ("common.js", *scripts)),
        server_functions=list(functions),
        apply_default_css=False,
        settings=settings or {},
    )


def drawing_pad() -> gr.HTML:
    """The pad: asks `/v1/draw` and passes the answer on as the browser event `digits:answer`."""
    return part(
        "pad.html",
        "draw_request.js",
        "pad.js",
        "examples.js",
        "drawing_code.js",
        "keep.js",
        "greet.js",
        "game.js",
        "overlay.js",
        "hand_in.js",
        settings={
            "examples": all_examples(),
            "max_points": MAX_POINTS,
            "max_brush": MAX_BRUSH,
            "max_file_bytes": MAX_FILE_BYTES,
            "networks": DEMOS,
        },
    )


def answer_panel(functions: Sequence[Callable[..., Any]], corrections: str | None) -> gr.HTML:
    """The answer, and which weights gave it.

    Args:
        functions: What the panel asks: `read_status` says which weights answer, `read_why` what
            spoke for an answer, and `keep_correction` keeps what a visitor has corrected.
        corrections: The data set that corrections go to; None offers none of it.
    """
    limits = {
        "too_large": MAX_FILE_BYTES // 1_000_000,
        "too_many_pixels": MAX_PIXELS // 1_000_000,
        "too_long": MAX_SIDE,
        "too_small": MIN_SIDE,
    }
    return part(
        "answer.html",
        "answer.js",
        "why.js",
        *(["correct.js"] if corrections else []),
        functions=functions,
        settings={"corrections": corrections, "asks_why": True, "limits": limits},
    )


def page_texts() -> dict[str, dict[str, str]]:
    """Every text of the page, by language and key."""
    return {
        language: {
            "intro": f"# {words['title']}\n{words['tagline']}",
            "about": about_text(language),
            **words,
        }
        for language, words in WORDS.items()
    }
