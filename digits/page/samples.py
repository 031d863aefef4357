"""The sample pictures of the upload tab, drawn by `training.synthesis.samples`."""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent / "samples"


def sample_routes() -> list[Route]:
    """Serve each picture at `/samples/NAME.jpg`."""
    return [_sample(path) for path in sorted(FOLDER.glob("*.jpg"))]


def _sample(path: Path) -> Route:
    headers = {"Cache-Control": "public, max-age=86400"}

    async def send(_: Request) -> FileResponse:
        return FileResponse(path, media_type="image/jpeg", headers=headers)

    return Route(f"/samples/{path.name}", send)
