"""The page: booking."""

from einmal.entrypoints.web.pages import Endpoint
from einmal.entrypoints.web.site import Site


def routes(_site: Site) -> list[tuple[str, str, Endpoint]]:
    return []
