"""How a page is made: its template, the words of its language, and headers that let nothing else in."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from einmal import __version__
from einmal.edge.guesses import Guesses
from einmal.entrypoints.http.door import ClientLeft, Refusal
from einmal.entrypoints.web.entrance import Entrance, NotAllowed, SignInNeeded, Visitor
from einmal.entrypoints.web.shown import FILTERS
from einmal.entrypoints.web.words import Words, language_of
from einmal.ports import Clock, CommitUnknown, LedgerUnavailable
from einmal.settings import Settings

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

STATIC: Final = {
    "einmal.css": "text/css; charset=utf-8",
    "desk.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "hx-sse.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""All that is served beside pages: what is not named here is not there."""


class NotThere(Exception):
    """There is no such page, call or intent. The argument is a key of Words that says what."""


Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Pages:
    """What every page needs."""

    entrance: Entrance
    settings: Settings
    clock: Clock
    environment: Environment
    versions: Mapping[str, str]
    """Of each static file: a new version is another address, so that it may be kept for ever."""

    def visitor(self, request: Request) -> Visitor:
        return self.entrance.visitor(request, self.clock.now())

    def language(self, request: Request, house: str | None = None) -> str:
        """What the visitor has chosen; else what the house speaks, or the one whose page it is."""
        chosen, kept = request.query_params.get("lang"), request.cookies.get("lang")
        return language_of(chosen, kept, house or self.settings.language)

    def page(
        self,
        request: Request,
        visitor: Visitor | None,
        template: str,
        status: int = 200,
        *,
        house: str | None = None,
        **values: Any,
    ) -> Response:
        """The page, or the part of one. `values` are what the template shows; its words are those of the visitor.

        `house`: the language of the house whose page it is, where it is one's of several.
        """
        language = self.language(request, house)
        now = self.clock.now()
        text = self.environment.get_template(template).render(
            t=Words(language),
            language=language,
            visitor=visitor,
            operates=visitor is not None and visitor.operates,
            form_token="" if visitor is None else visitor.form_token,
            path=request.url.path,
            other_language=_in_the_other(request, language, keeps=status < 400),
            settings=self.settings,
            static=self.versions,
            version=__version__,
            now=now,
            zone=ZoneInfo(self.settings.timezone),
            **values,
        )
        response = HTMLResponse(text, status, headers=HEADERS)
        if visitor is not None and visitor.fresh:
            self.entrance.keep(response.headers, visitor.session)
        if request.query_params.get("lang") is not None:
            cookie = f"lang={language}; Path=/; Max-Age=31536000; SameSite=Strict; HttpOnly"
            response.headers.append("set-cookie", cookie)
        return response

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, with a page for whatever it raises."""

        async def guard(request: Request) -> Response:
            try:
                return await endpoint(request)
            except SignInNeeded as needed:
                if needed.possible and request.method == "GET":
                    return RedirectResponse(f"/sign-in?next={_address(request)}", 303, headers=HEADERS)
                return self._trouble(request, 401, "trouble_sign_in" if needed.possible else "trouble_no_token")
            except ClientLeft:
                return Response(status_code=400)
            except (NotAllowed, NotThere, Refusal, LedgerUnavailable, CommitUnknown) as trouble:
                return self._trouble(request, *_told(trouble))

        return guard

    def _trouble(self, request: Request, status: int, what: str) -> Response:
        return self.page(request, None, "trouble.html", status, what=what)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.settings.timezone))


def _address(request: Request) -> str:
    """Of the page that was asked for, with what was asked of it, as a value in another address."""
    return quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="/")


def _in_the_other(request: Request, language: str, *, keeps: bool) -> str:
    """The same page in the other language. `keeps`: with what was asked of it; a refusal repeats nothing."""
    kept = [pair for pair in request.query_params.multi_items() if pair[0] != "lang" and keeps]
    return f"{quote(request.url.path)}?{urlencode([*kept, ('lang', 'en' if language == 'de' else 'de')])}"


def _told(trouble: Exception) -> tuple[int, str]:
    """The status and the words of what an endpoint raised."""
    match trouble:
        case NotAllowed():
            return 403, f"trouble_{trouble}"
        case NotThere():
            return 404, str(trouble)
        case Refusal(status=429):
            return 429, "trouble_too_many"
        case Refusal(status=status):
            return status, "trouble_too_large"
        case _:
            return 503, "trouble_ledger"


def static_bytes(name: str) -> bytes:
    return (Path(__file__).parent / "static" / name).read_bytes()


def build_pages(settings: Settings, clock: Clock, guesses: Guesses, shared: bytes = b"") -> Pages:
    """`guesses` and `shared`: see Entrance."""
    environment = Environment(
        loader=PackageLoader("einmal.entrypoints.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    versions = {name: hashlib.sha256(static_bytes(name)).hexdigest()[:12] for name in STATIC}
    return Pages(Entrance(settings, clock, guesses, shared), settings, clock, environment, versions)
