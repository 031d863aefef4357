"""The sample pictures of the upload tab, drawn by `training.synthesis.samples`."""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent / "samples"


def sample_routes() -> list[Route]:
    """Serve each picture at `/samples/NAME.jpg`."""
    return [
        picture_route(f"/samples/{path.name}", path, "image/jpeg")
        for path in sorted(FOLDER.glob("*.jpg"))
    ]


def picture_route(address: str, path: Path, kind: str) -> Route:
    """Serve one file.

    Args:
        address: Where, below the app's root.
        path: Of the file.
        kind: Its media type.
    """
    headers = {"Cache-Control": "public, max-age=86400"}

    async def send(_: Request) -> FileResponse:
        return FileResponse(path, media_type=kind, headers=headers)

    return Route(address, send)
