"""The desk: what stands now, on one page."""

from starlette.requests import Request
from starlette.responses import Response

from einmal.entrypoints.web.pages import Endpoint
from einmal.entrypoints.web.site import Site


def routes(site: Site) -> list[tuple[str, str, Endpoint]]:
    async def desk(request: Request) -> Response:
        return site.pages.page(request, site.pages.visitor(request), "desk.html")

    return [("GET", "/", desk)]
