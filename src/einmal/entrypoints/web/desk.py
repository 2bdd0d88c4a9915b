"""The desk: what stands now, on one page. It renews its figures by itself, and follows what is asked on the phone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from einmal.entrypoints.evidence.spoken import Teller
from einmal.entrypoints.evidence.timeline import tone_of
from einmal.entrypoints.http.door import from_this_machine
from einmal.entrypoints.web import export
from einmal.entrypoints.web.curl import first_call
from einmal.entrypoints.web.desk_charts import HEIGHT, ROW, WIDTH, ages, by_hour, by_layer, gauge
from einmal.entrypoints.web.desk_figures import accounts, needing, tenant_names
from einmal.entrypoints.web.entrance import SignInNeeded, Visitor
from einmal.entrypoints.web.feed import SHOWN, Calls, EventStream, event
from einmal.entrypoints.web.pages import HEADERS, Endpoint
from einmal.entrypoints.web.site import Site
from einmal.entrypoints.web.words import Words
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.ports.desk import LISTED_MAX, TODAY_MAX

PLACEHOLDER: Final = "https://your-gateway.example"

REPEAT_SECONDS: Final = 5
"""How often an open page asks for its figures."""


@dataclass(frozen=True, slots=True)
class DeskPages:
    site: Site

    async def page(self, request: Request) -> Response:
        visitor = self.site.pages.visitor(request)
        calls = tuple(await self.site.gateway.stories.latest(SHOWN))
        shown = await self._shown(request)
        return self._page(request, visitor, "desk.html", calls=calls, **shown, **self._export_days())

    async def figures(self, request: Request) -> Response:
        """The part of the page that is renewed."""
        try:
            visitor = self.site.pages.visitor(request)
        except SignInNeeded:
            return _whole_page_again()
        try:
            shown = await self._shown(request)
        except (LedgerUnavailable, CommitUnknown):
            return self._page(request, visitor, "desk_trouble.html", 503)
        return self._page(request, visitor, "desk_figures.html", **shown)

    async def calls(self, request: Request) -> Response:
        """The list of function calls, for a page that does not follow the feed."""
        try:
            visitor = self.site.pages.visitor(request)
        except SignInNeeded:
            return _whole_page_again()
        try:
            calls = tuple(await self.site.gateway.stories.latest(SHOWN))
        except (LedgerUnavailable, CommitUnknown):
            return self._page(request, visitor, "desk_trouble.html", 503)
        return self._page(request, visitor, "desk_calls.html", calls=calls, **self._telling(request))

    async def feed(self, request: Request) -> Response:
        """The same list, whenever it changes."""
        self.site.pages.visitor(request)
        language = self.site.pages.language(request)
        if request.method == "HEAD":
            return Response(headers=HEADERS, media_type=EventStream.media_type)
        if self.site.feed.is_full:
            return PlainTextResponse(Words(language)("desk_feed_full"), 503, headers=HEADERS)

        def message(calls: Calls) -> bytes:
            # Once for all pages of a language: whoever looks, it holds nothing personal.
            return self.site.feed.made(language, lambda: event(self._rendered(request, calls)))

        return EventStream(self.site.feed, message, HEADERS)

    def _rendered(self, request: Request, calls: Calls) -> str:
        pages = self.site.pages
        words = Words(pages.language(request))
        template = pages.environment.get_template("desk_calls.html")
        return template.render(t=words, zone=self._zone, calls=calls, **self._telling(request))

    async def _shown(self, request: Request) -> dict[str, Any]:
        """What the figures are made of."""
        gateway = self.site.gateway
        now = gateway.clock.now()
        every = gateway.tenancies.all
        seen = await gateway.desk.seen(now, {one.tenant.tenant_id: one.tenant.day_of(now) for one in every})
        figures = await gateway.figures()
        return {
            "desk": seen,
            "figures": figures,
            "first_call": self._first_call(),
            "address": _address(request),
            "needing": needing(seen, figures),
            "accounts": accounts(gateway, figures, now),
            "gauge": gauge(figures.prevention_rate),
            "layers": by_layer(seen.rejections),
            "hours": by_hour(seen.rejections, now),
            "ages": ages(seen.ages, gateway.settings.guard.freshness_limit),
            "listed_max": LISTED_MAX,
            "today_max": TODAY_MAX,
            "compared_at": min((one.ended_at for one in seen.compared), default=None),
            "chart": {"width": WIDTH, "height": HEIGHT, "row": ROW},
            "zones": {one.tenant.tenant_id: one.voice.zone for one in every},
            **self._telling(request),
        }

    def _telling(self, request: Request) -> Mapping[str, Any]:
        """How ledger words, calls and houses are named."""
        return {
            "teller": Teller(self.site.pages.language(request), self._zone),
            "tone_of": tone_of,
            "tenants": tenant_names(self.site.gateway),
            "call_path": lambda call_id: f"/calls/{quote(call_id, safe='')}",
            "repeat_seconds": REPEAT_SECONDS,
        }

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.site.gateway.settings.timezone)

    def _first_call(self) -> str | None:
        """None where a call must be signed: nobody does that by hand."""
        gateway = self.site.gateway
        return first_call(gateway) if gateway.settings.loopback and not gateway.tenancies.keys else None

    def _export_days(self) -> dict[str, Any]:
        today = self.site.gateway.clock.now().astimezone(self._zone).date()
        return {"export_from": today, "export_to": today + timedelta(days=6), "export_days": export.DAYS_MAX}

    def _page(self, request: Request, visitor: Visitor, template: str, status: int = 200, **values: Any) -> Response:
        return self.site.pages.page(request, visitor, template, status, **values)


def _address(request: Request) -> str:
    """Where a platform reaches this gateway, as far as this visitor's request tells."""
    return PLACEHOLDER if from_this_machine(request.scope) else f"https://{request.url.netloc}"


def _whole_page_again() -> Response:
    """The session is over: the page is loaded anew, and so led to where one signs in."""
    return Response(status_code=401, headers={**HEADERS, "HX-Refresh": "true"})


def routes(site: Site) -> list[tuple[str, str, Endpoint]]:
    desk = DeskPages(site)
    return [
        ("GET", "/", desk.page),
        ("GET", "/desk/figures", desk.figures),
        ("GET", "/desk/calls", desk.calls),
        ("GET", "/feed", desk.feed),
        *export.routes(site),
    ]
