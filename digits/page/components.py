"""The page's custom components, built from the files in `static/`."""

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
    """Return the content of a file in `static/`."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def part(
    template: str,
    *scripts: str,
    functions: Sequence[Callable[..., Any]] = (),
    settings: Mapping[str, object] | None = None,
) -> gr.HTML:
    """Build a part of the page from files in `static/`.

    It is rendered only once: another rendering would erase the canvas.

    Args:
        template: The part's HTML.
        scripts: Run after `common.js`.
        functions: Server functions that the scripts call.
        settings: Available to the scripts as `props.settings`.
    """
    return gr.HTML(
        html_template=text(template),
        js_on_load="".join(text(name) for name in ("common.js", *scripts)),
        server_functions=list(functions),
        apply_default_css=False,
        settings=settings or {},
    )


def drawing_pad() -> gr.HTML:
    """The pad: asks `/v1/draw` and dispatches each answer as the DOM event `digits:answer`."""
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
    """The answer, and the weights that gave it.

    Args:
        functions: Server functions that the panel calls: `read_status`, `read_why` and
            `keep_correction`.
        corrections: The dataset for corrections; None to not ask for any.
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
    """Return all texts of the page by language and key."""
    return {
        language: {
            "intro": f"# {words['title']}\n{words['tagline']}",
            "about": about_text(language),
            **words,
        }
        for language, words in WORDS.items()
    }
