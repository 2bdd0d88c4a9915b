"""The routes of the pages. Each is guarded: whatever goes wrong has a page of its own."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from einmal.entrypoints.web import booking, desk, evidence
from einmal.entrypoints.web.feed import Feed
from einmal.entrypoints.web.files import static_file
from einmal.entrypoints.web.pages import Endpoint, build_pages
from einmal.entrypoints.web.sign_in import SignIn
from einmal.entrypoints.web.site import Site
from einmal.wiring import Gateway


def build_site(gateway: Gateway, *, has_lab: bool = False) -> Site:
    first = min(gateway.tenancies.all, key=lambda one: one.tenant.tenant_id, default=None)
    # The same in every process on this ledger, and known to nobody else.
    shared = b"" if first is None else first.tenant.hash_key
    pages = build_pages(gateway.settings, gateway.clock, gateway.limits.guesses, shared)
    pages.environment.globals.update(has_lab=has_lab, layers_off=lambda: gateway.layers_off)
    return Site(gateway, pages, Feed(gateway.stories), has_lab)


def page_routes(site: Site) -> Sequence[BaseRoute]:
    """All pages but the lab, which stands on the simulator."""

    async def note(what: str) -> None:
        await site.record(what, None)

    sign_in = SignIn(site.pages, note)
    routes: list[tuple[str, str, Endpoint]] = [
        ("GET", "/static/{name}", static_file),
        ("GET", "/sign-in", sign_in.show),
        ("POST", "/sign-in", sign_in.enter),
        ("POST", "/sign-out", sign_in.leave),
        *desk.routes(site),
        *evidence.routes(site),
        *booking.routes(site),
    ]
    return routed(site, routes)


def routed(site: Site, routes: Sequence[tuple[str, str, Endpoint]]) -> list[BaseRoute]:
    """One route for each path: its methods are told apart behind it, so that a wrong one hears which there are."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for method, path, endpoint in routes:
        by_path.setdefault(path, {})[method] = site.pages.guarded(endpoint)
    return [Route(path, _by_method(of), methods=list(of)) for path, of in by_path.items()]


def _by_method(endpoints: dict[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return endpoint
