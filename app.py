"""The Space: a page that reads handwritten digits as they are drawn, and an API.

`digits.service` loads the weights once the page is up.
"""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.page import without_stubs  # noqa: F401 - before anything that imports Gradio

try:
    # ZeroGPU's platform package; must be imported before anything that could use CUDA.
    import spaces
except ImportError:
    spaces = None

import gradio as gr
from gradio.i18n import I18nData
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from digits import deployment
from digits.corrections import Corrections
from digits.demos import Demos
from digits.malloc import return_freed_memory
from digits.page.about import own_address
from digits.page.components import STYLES, answer_panel, drawing_pad, page_texts, part
from digits.page.correct import keep_view
from digits.page.head import TITLE, introduce, picture_routes
from digits.page.views import weights_view, why_view
from digits.pictures import MAX_FILE_BYTES, PictureError
from digits.server.housekeeping import Limits, start_housekeeping
from digits.server.request_limits import (
    RequestLimits,
    Traffic,
    allow_connections,
    handle_disk_full,
    handle_server_error,
)
from digits.server.routes import (
    PICTURES_AT_ONCE,
    ApiFirst,
    http_api,
    predict_picture,
    read_picture,
)
from digits.server.safe_fetch import PictureBlocks, watch_addresses
from digits.server.shutdown import shut_down_on_sigterm
from digits.server.uploads import uploaded_picture
from digits.service import NotReadyError, Service, parse_poll_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from digits.pictures import Picture
    from digits.recognizer import Recognizer

PICTURES: dict[str, Any] = {"concurrency_id": "pictures", "concurrency_limit": PICTURES_AT_ONCE}

OPEN_TAB = """() => {
  document.body.dataset.digitsSource = '%s'
  document.dispatchEvent(new CustomEvent('digits:source', { detail: '%s' }))
}"""

THEME = gr.themes.Default(
    primary_hue="indigo",
    neutral_hue="zinc",
    radius_size="lg",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    # Gradio's gray for secondary text lacks contrast on white.
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_400",
)

MODEL_REPO = deployment.model_repo()
FINGERPRINT = deployment.fingerprint(deployment.read_files())
"""Of the files as they were when this process started."""

service = Service(
    MODEL_REPO,
    os.environ.get("MODEL_REVISION"),
    poll_seconds=parse_poll_seconds(os.environ.get("MODEL_POLL_SECONDS")),
)
demos = Demos()
corrections = Corrections.from_environment()


def read_why(request: object) -> dict[str, Any]:
    """Explain a digit of an image that the page has shown."""
    try:
        return why_view(service.recognizer(timeout_seconds=0), demos, request)
    except NotReadyError:
        return {"kind": "warming"}


async def keep_correction(request: object) -> dict[str, Any]:
    """Store a correction, if the owner collects them and the visitor consents."""
    if not corrections:
        return {"kind": "refused"}
    try:
        return await keep_view(service.recognizer(timeout_seconds=0), corrections, request)
    except NotReadyError:
        return {"kind": "not kept"}


def read_status(_: object) -> dict[str, Any]:
    """Return the state of the service and the weights in use; Gradio passes an empty list."""
    status = service.status()
    weights = service.recognizer(0).weights if status.ready else None
    return {
        **vars(status),
        "weights": weights and weights_view(weights),
        "model": weights and weights.origin.label,
    }


def _answer_client(
    respond: "Callable[[Recognizer, Picture], dict[str, Any]]", image: object
) -> dict[str, Any]:
    try:
        picture = uploaded_picture(image, get_upload_folder())
        return respond(service.recognizer(), picture)
    except (PictureError, NotReadyError) as error:
        raise gr.Error(str(error), print_exception=False) from error


def read_digit(image: object) -> dict[str, Any]:
    """Read the one handwritten digit in this picture.

    Args:
        image: A picture file: drawn, scanned or photographed; dark on light or light on dark.

    Returns:
        digit: 0 to 9, or null if there is none
        reason: null, or why there is none
        confidences: ten calibrated probabilities, one per digit
        score: 0 to 1, how confident the answer is
        others: how many more digits the picture has
        model: the weights that answered
    """
    return _answer_client(predict_picture, image)


def read_number(image: object) -> dict[str, Any]:
    """Read the number in this picture: all handwritten digits, line by line.

    Args:
        image: A picture file: drawn, scanned or photographed; dark on light or light on dark.

    Returns:
        number: text, the digits from left to right; lines are joined by newlines
        lines: the same, as a list of lines from top to bottom
        digits: for each its digit, confidence, runner_up (the second most likely digit and its
            confidence), box [x, y, width, height] in pixels of the upright picture, line
        unread: boxes of writing that is not a digit
        reason: null, or why there are no digits
        model: the weights that answered
    """
    return _answer_client(read_picture, image)


def health() -> dict[str, Any]:
    """Report which files and weights are served, for `training.deploy` and for monitoring.

    Returns:
        files: SHA-256 of the app's own files; ready: whether weights are loaded; model: the
        weights in use, or null; model_repo: where weights come from, or null for the bundled
        ones; problem: why newer weights are not in use, or null.
    """
    status = read_status([])
    known = {key: status[key] for key in ("ready", "model", "problem")}
    return {"files": FINGERPRINT, "model_repo": MODEL_REPO, **known}


def zero_gpu_greeting() -> str:
    """Never called: ZeroGPU starts only apps that register at least one GPU function."""
    return "ready"


def build() -> gr.Blocks:
    """Lay out the page and register the API."""
    with PictureBlocks(
        title=TITLE,
        delete_cache=(86_400, 86_400),  # leftovers at shutdown; until then `Limits` decides
        analytics_enabled=False,  # send Gradio nothing about visitors or the owner
    ) as demo:
        with gr.Column(elem_id="intro"):
            gr.Markdown(I18nData("intro"), container=False)
        with gr.Row(elem_id="main"):
            with gr.Column(min_width=0):
                build_tabs()
            with gr.Column(min_width=0, elem_id="answer-column"):
                answer_panel(
                    [read_status, read_why, keep_correction],
                    corrections.repo if corrections else None,
                )
        with gr.Column(elem_id="inside-column"):
            part("inside.html", "ask_later.js", "fold.js", "inside.js")
            part("compare.html", "ask_later.js", "fold.js", "compare.js")
        build_api()
    return demo


def build_tabs() -> None:
    """Lay out the tabs."""
    with gr.Tabs():
        with gr.Tab(I18nData("tab_draw")) as draw_tab:
            drawing_pad()
        with gr.Tab(I18nData("tab_upload"), elem_id="upload-tab") as upload_tab:
            with gr.Column(elem_id="upload"):
                part("upload.html", "upload.js")
            part("samples.html", "samples.js")
        with gr.Tab(I18nData("tab_about")) as about_tab:
            # Trusted: it comes from this app's own files. Sanitizing would drop the charts.
            gr.Markdown(I18nData("about"), elem_id="about", sanitize_html=False)
    for tab, name in ((draw_tab, "draw"), (upload_tab, "upload"), (about_tab, "about")):
        tab.select(None, js=OPEN_TAB % (name, name))


def build_api() -> None:
    """Register the endpoints, and the function that ZeroGPU looks for; all of it is invisible."""
    image, result = watch_addresses(gr.Image(visible=False)), gr.JSON(visible=False)
    # MCP tools are named after the functions.
    for name, function in (("predict", read_digit), ("read", read_number)):
        # Unprocessed, because Gradio's decoding drops transparency and clips 16-bit samples.
        gr.Button(visible=False).click(
            function, image, result, preprocess=False, api_name=name, **PICTURES
        )
    # Bypasses the queue, so that a busy app still counts as healthy.
    gr.Button(visible=False).click(
        health, None, result, queue=False, api_name="health", api_visibility="undocumented"
    )
    greeting = spaces.GPU(zero_gpu_greeting) if spaces else zero_gpu_greeting
    gr.Button(visible=False).click(greeting, api_visibility="private")


def main() -> None:
    """Serve the page with a temporary folder for uploads."""
    parent = os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()
    Path(parent).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="digits-uploads-", dir=parent) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        serve(Path(folder))


def serve(uploads: Path) -> None:
    """Serve the page, then load the weights; uploads are deleted in the background."""
    # After every response Gradio aggregates up to 10,000 earlier ones for a page that is not used
    # here. That took most of a response's CPU time (python -m benchmarks --only load).
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")
    return_freed_memory()
    allow_connections()
    introduce(own_address())
    demo, traffic = build(), Traffic()
    demo.queue(max_size=64, default_concurrency_limit=4)
    # By default the idle queue polls 1000 times a second, 5 % of a core. With this an event waits
    # at most 10 ms to be picked up.
    demo._queue.sleep_when_free = 0.01  # noqa: SLF001 - no public option
    demo.launch(
        prevent_thread_lock=True,
        ssr_mode=False,
        run_history=False,
        mcp_server=True,
        max_file_size=MAX_FILE_BYTES,
        # Gradio keeps 50 kB per session, and every API call counts as a session.
        state_session_capacity=256,
        footer_links=["api"],
        theme=THEME,
        css_paths=STYLES,
        i18n=gr.I18n(**page_texts()),
        app_kwargs={
            "routes": picture_routes(),  # take precedence over Gradio's
            "middleware": [
                Middleware(RequestLimits, traffic=traffic),
                Middleware(ApiFirst, api=http_api(service, demos, health)),
            ],
            "exception_handlers": {OSError: handle_disk_full, Exception: handle_server_error},
        },
    )
    shut_down_on_sigterm(demo, traffic)
    start_housekeeping(demo, Limits(), uploads)
    service.start()
    demo.block_thread()


if __name__ == "__main__":
    main()
