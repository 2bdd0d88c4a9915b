"""The evidence: what became of a call or of an intent, on one page. Personal data is shown only to whoever asks for it,
and the audit log holds that they did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from einmal.entrypoints.evidence.masking import names_in, names_of
from einmal.entrypoints.evidence.possible import possible
from einmal.entrypoints.evidence.spoken import Teller
from einmal.entrypoints.evidence.timeline import timeline_of_call, timeline_of_intent, tone_of
from einmal.entrypoints.web.curl import first_call
from einmal.entrypoints.web.entrance import Visitor
from einmal.entrypoints.web.evidence_acts import DONE, Acts
from einmal.entrypoints.web.pages import HEADERS, Endpoint, NotThere
from einmal.entrypoints.web.site import Site
from einmal.ports.journal import FunctionCalled

AT_ONCE: Final = 200
"""Function calls on one page of the list; a call makes a handful."""

ID_MAX: Final = 200
"""No id of anybody's is longer."""


@dataclass(frozen=True, slots=True)
class CallListed:
    """A call in the list: its function calls that are on this page, newest first."""

    functions: tuple[FunctionCalled, ...]

    @property
    def newest(self) -> FunctionCalled:
        return self.functions[0]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What the caller heard, each once, last first."""
        return tuple(dict.fromkeys(function.outcome for function in self.functions))


@dataclass(frozen=True, slots=True)
class Evidence:
    site: Site

    async def calls(self, request: Request) -> Response:
        """The latest calls; or where an id leads."""
        visitor = self.site.pages.visitor(request)
        asked = request.query_params.get("id", "").strip()[:ID_MAX]
        if asked:
            named = await self.site.gateway.stories.named(asked)
            if named.is_call or named.intent_id is not None:
                return RedirectResponse(
                    _call_path(asked) if named.is_call else f"/intents/{named.intent_id}", 303, HEADERS
                )
        before = request.query_params.get("before") or None
        functions = await self.site.gateway.stories.latest(AT_ONCE, before=before)
        listed, older = _listed(functions)
        return self.site.pages.page(
            request,
            visitor,
            "calls.html",
            404 if asked else 200,
            asked=asked,
            listed=listed,
            older=older,
            first=before is None,
            curl=first_call(self.site.gateway),
            tenants=self._tenants,
            teller=self._teller(request),
            tone_of=tone_of,
            call_path=_call_path,
        )

    async def call(self, request: Request) -> Response:
        return await self._call(request, self.site.pages.visitor(request), revealed=False)

    async def reveal_call(self, request: Request) -> Response:
        visitor = await self._revealing(request, call_id=request.path_params["call_id"])
        return await self._call(request, visitor, revealed=True)

    async def intent(self, request: Request) -> Response:
        return await self._intent(request, self.site.pages.visitor(request), revealed=False)

    async def reveal_intent(self, request: Request) -> Response:
        visitor = await self._revealing(request, intent_id=request.path_params["intent_id"])
        return await self._intent(request, visitor, revealed=True)

    async def _revealing(self, request: Request, **whose: str) -> Visitor:
        """The operator who is shown it, written down first."""
        visitor = self.site.pages.visitor(request)
        await self.site.pages.entrance.form(request, visitor)
        await self.site.record("personal_data_shown", visitor, **whose)
        return visitor

    async def _call(self, request: Request, visitor: Visitor, *, revealed: bool) -> Response:
        call_id = request.path_params["call_id"]
        stories = await self.site.gateway.stories.of_call(call_id)
        if not stories:
            raise NotThere("trouble_no_call")
        now = self.site.gateway.clock.now()
        return self.site.pages.page(
            request,
            visitor,
            "call.html",
            call_id=call_id,
            stories=[(story, timeline_of_call(story), names_in(story)) for story in stories],
            can={one.stored.intent.intent_id: possible(one, now) for story in stories for one in story.intents},
            **self._shown(request, revealed=revealed),
        )

    async def _intent(self, request: Request, visitor: Visitor, *, revealed: bool) -> Response:
        story = await self.site.gateway.stories.of_intent(request.path_params["intent_id"])
        if story is None:
            raise NotThere("trouble_no_intent")
        intent = story.stored.intent
        return self.site.pages.page(
            request,
            visitor,
            "intent.html",
            story=story,
            moments=timeline_of_intent(story),
            names=names_of(story),
            can={intent.intent_id: possible(story, self.site.gateway.clock.now())},
            **self._shown(request, revealed=revealed),
        )

    def _shown(self, request: Request, *, revealed: bool) -> dict[str, Any]:
        """What every page of evidence needs."""
        done = request.query_params.get("done")
        return {
            "revealed": revealed,
            "done": done if done in DONE else None,
            "teller": self._teller(request),
            "tenants": self._tenants,
            "call_path": _call_path,
        }

    @property
    def _tenants(self) -> dict[str, str]:
        """Their names, by id, where there are several."""
        every = self.site.gateway.tenancies.all
        return {one.tenant.tenant_id: one.tenant.name for one in every} if len(every) > 1 else {}

    def _teller(self, request: Request) -> Teller:
        pages = self.site.pages
        return Teller(pages.language(request), ZoneInfo(pages.settings.timezone))


def _listed(functions: Sequence[FunctionCalled]) -> tuple[tuple[CallListed, ...], str | None]:
    """The calls, last active first, and from where older ones are read. Without a call id each is by itself."""
    by_call: dict[tuple[str, str], list[FunctionCalled]] = {}
    for function in functions:
        by_call.setdefault((function.tenant_id, function.conversation_id or function.served_id), []).append(function)
    older = functions[-1].served_id if len(functions) == AT_ONCE else None
    return tuple(CallListed(tuple(some)) for some in by_call.values()), older


def _call_path(call_id: str) -> str:
    return f"/calls/{quote(call_id, safe='')}"


def routes(site: Site) -> list[tuple[str, str, Endpoint]]:
    evidence, acts = Evidence(site), Acts(site)
    return [
        ("GET", "/calls", evidence.calls),
        ("GET", "/calls/{call_id}/callbacks/{callback_id}", acts.show_callback),
        ("POST", "/calls/{call_id}/callbacks/{callback_id}", acts.call_back),
        ("GET", "/calls/{call_id:path}", evidence.call),
        ("POST", "/calls/{call_id:path}", evidence.reveal_call),
        ("GET", "/intents/{intent_id}", evidence.intent),
        ("POST", "/intents/{intent_id}", evidence.reveal_intent),
        ("GET", "/intents/{intent_id}/{can}", acts.show),
        ("POST", "/intents/{intent_id}/{can}", acts.do),
    ]
