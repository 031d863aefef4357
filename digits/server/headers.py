"""Security headers of every answer, so that a defect of the page does little harm.

The page lives in a frame of huggingface.co, and Gradio builds it from inline scripts and templates
that it compiles in the browser. Within that, nothing comes from elsewhere, nothing is sent
elsewhere but to the Hub, and nobody else may frame the page.
"""

import os
from typing import Final

_HUB: Final = "https://huggingface.co https://*.huggingface.co https://*.hf.space"
"""Gradio's own header on a Space shows who made it, and asks the Hub whether the Space is awake."""

_SHARING: Final = "https://gradio.s3-us-west-2.amazonaws.com"
"""Where the page of a temporary public link takes Gradio's script from, and that page alone."""

_FEATURES: Final = (
    "camera=(self)",  # the upload tab takes photographs
    "clipboard-read=(self)",  # and pastes
    "clipboard-write=(self)",  # snippets are copied
    *(
        f"{name}=()"
        for name in ("display-capture", "geolocation", "microphone", "midi", "payment", "serial")
    ),
    "usb=()",
)


def page_policy(*, shared: bool) -> str:
    """Return the page's Content-Security-Policy; `shared` is for a temporary public link."""
    scripts = f" {_SHARING}" if shared else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:{scripts}",
            f"style-src 'self' 'unsafe-inline'{scripts}",
            f"img-src 'self' data: blob: {_HUB}",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' data: blob: {_HUB}{scripts}",
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors 'self' {_HUB}",
        )
    )


def security_headers(policy: str) -> dict[str, str]:
    """Return the headers of an answer."""
    return {
        "Content-Security-Policy": policy,
        "Permissions-Policy": ", ".join(_FEATURES),
        # A private Space's address carries a token.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


PAGE_HEADERS: Final = security_headers(
    page_policy(shared=os.environ.get("GRADIO_SHARE", "").lower() == "true")
)
UPLOAD_HEADERS: Final = security_headers("default-src 'none'; frame-ancestors 'none'; sandbox")
"""Of what visitors have uploaded: it is shown, and can do nothing."""
