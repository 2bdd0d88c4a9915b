"""The few files beside the pages. Their address names their version, so they are kept for ever."""

from starlette.requests import Request
from starlette.responses import Response

from einmal.entrypoints.web.pages import STATIC, NotThere, static_bytes

_FILES = {name: static_bytes(name) for name in STATIC}


async def static_file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES:
        raise NotThere("trouble_no_page")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(_FILES[name], media_type=STATIC[name], headers=headers)
