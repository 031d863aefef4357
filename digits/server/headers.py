"""Security headers of every response, to limit the damage of a vulnerability in the page.

huggingface.co frames the page, and Gradio needs inline scripts and compiles templates in the
browser. Apart from that, all content is same-origin, requests go only to this origin and the Hub,
and no other site may frame the page.
"""

import os
from typing import Final

_HUB: Final = "https://huggingface.co https://*.huggingface.co https://*.hf.space"
"""The header that Gradio adds on a Space shows its author, and polls the Hub for its status."""

_SHARING: Final = "https://gradio.s3-us-west-2.amazonaws.com"
"""Gradio's script for pages behind a temporary public link (`share=True`)."""

_DENIED: Final = (
    "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb",
)  # fmt: skip
_FEATURES: Final = (
    "camera=(self)",  # photos in the upload tab
    "clipboard-read=(self)",  # pasted pictures
    "clipboard-write=(self)",  # copied snippets
    *(f"{name}=()" for name in _DENIED),
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
    """Return the security headers of a response with this Content-Security-Policy."""
    return {
        "Content-Security-Policy": policy,
        "Permissions-Policy": ", ".join(_FEATURES),
        # The URL of a private Space contains a token.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


PAGE_HEADERS: Final = security_headers(
    page_policy(shared=os.environ.get("GRADIO_SHARE", "").lower() == "true")
)
UPLOAD_HEADERS: Final = security_headers("default-src 'none'; frame-ancestors 'none'; sandbox")
"""Headers of uploaded files, which may be displayed but not run scripts or load anything."""
