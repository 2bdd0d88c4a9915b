"""The booking form: one form is one wish, however often it is sent, from however many tabs, forwards and back.

Each form has a name of its own in its address, sealed with its visitor's session, and that name is the conversation in
which the wish is wished: sent again it is the same wish, and has one answer. What stands is read from the ledger under
that name, by its own visitor only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from einmal.domain.model import Service, Wish
from einmal.domain.reply import Outcome, Reply, Why
from einmal.entrypoints.http.door import from_this_machine
from einmal.entrypoints.web.booking_asked import ask, sentence
from einmal.entrypoints.web.booking_fields import SLOT_FORM, Filled, Problems, day_of, is_same, service_of, wished
from einmal.entrypoints.web.booking_pace import Pace
from einmal.entrypoints.web.booking_result import Kind, Result, standing, with_offers
from einmal.entrypoints.web.booking_times import Times, free_times, read_as
from einmal.entrypoints.web.entrance import NotAllowed, Visitor
from einmal.entrypoints.web.pages import HEADERS, Endpoint, NotThere
from einmal.entrypoints.web.site import Site
from einmal.entrypoints.web.words import Words
from einmal.ports import CommitUnknown, LedgerUnavailable
from einmal.speech.said import Language
from einmal.speech.sentences import Voice
from einmal.tenancies import Tenancy

BOOKINGS_A_MINUTE: Final = (6, 30)
"""By one visitor, and by all together: Cal.com allows 120 requests, and callers come first."""

LOOKS_A_MINUTE: Final = (20, 40)


@dataclass(frozen=True, slots=True)
class Shop:
    """Where one form belongs: its visitor, its house, its name."""

    visitor: Visitor
    tenancy: Tenancy
    form_id: str


@dataclass(frozen=True, slots=True)
class BookingForm:
    site: Site
    bookings: Pace = field(default_factory=lambda: Pace(*BOOKINGS_A_MINUTE))
    looks: Pace = field(default_factory=lambda: Pace(*LOOKS_A_MINUTE))

    async def show(self, request: Request) -> Response:
        """An empty form. It has its name in its address, so that going back to it is going back to this very one."""
        visitor = self._visitor(request)
        given = request.query_params.get("form")
        tenancy = None if given is None else self._owner(visitor, given)
        if tenancy is None:
            return await self._new(request, visitor, redirects=given is None)
        shop = Shop(visitor, tenancy, given or "")
        result = await standing(tenancy, shop.form_id, self.site.gateway.clock.now())
        if result is not None and result.live:
            return self._to_result(shop)
        return await self._form(request, shop, _asked(request.query_params))

    async def times(self, request: Request) -> Response:
        """The list of free times alone."""
        shop = self._shop(self._visitor(request), request.query_params.get("form"))
        filled = _asked(request.query_params)
        return await self._form(request, shop, filled, template="book_times.html")

    async def book(self, request: Request) -> Response:
        visitor = self._visitor(request)
        fields = await self.site.pages.entrance.form(request, visitor, needs=None)
        shop = self._shop(visitor, fields.get("form"))
        filled = Filled.of(fields)
        if "from" in fields:
            return await self._form(request, shop, replace(filled, since=fields["from"]))
        wish = wished(filled, shop.form_id, shop.tenancy.tenant, self.site.gateway.clock.now())
        if not isinstance(wish, Wish):
            return await self._form(request, shop, filled, problems=wish, status=422)
        before = await standing(shop.tenancy, shop.form_id, self.site.gateway.clock.now())
        if before is not None and before.live:
            return self._to_result(shop, other=not is_same(wish, before.wish))
        if not self.bookings.allows(visitor.session.nonce, self.site.gateway.clock.monotonic()):
            return await self._form(request, shop, filled, trouble="book_too_fast", status=429)
        reply = await ask(self.site.gateway, shop.tenancy, wish, self._voice(request, shop))
        return await self._answer(request, shop, wish, reply)

    async def result(self, request: Request) -> Response:
        """What stands: the page that is to be reloaded."""
        return await self._result(request, "book_result.html")

    async def standing(self, request: Request) -> Response:
        """The part of it that changes by itself."""
        return await self._result(request, "book_standing.html")

    async def _new(self, request: Request, visitor: Visitor, *, redirects: bool) -> Response:
        every = self.site.gateway.tenancies.all
        named = request.query_params.get("tenant")
        tenancy = self.site.gateway.tenancies.get(named) if named is not None else every[0] if len(every) == 1 else None
        if tenancy is None and named is not None:
            raise NotThere("trouble_no_house")
        if tenancy is None:
            houses = [(one.tenant.tenant_id, one.tenant.name) for one in every]
            return self.site.pages.page(request, visitor, "book_choose.html", houses=houses)
        form_id = self.site.pages.entrance.form_id(visitor, tenancy.tenant.tenant_id)
        if not redirects:
            # Another visitor's form, or one from before: whoever keeps no cookie is not sent in a circle.
            return await self._form(request, Shop(visitor, tenancy, form_id), _asked(request.query_params))
        kept = {name: request.query_params[name] for name in ("service", "lang") if name in request.query_params}
        return self._redirect(visitor, f"/book?{urlencode({'form': form_id, **kept})}")

    async def _form(
        self,
        request: Request,
        shop: Shop,
        filled: Filled,
        *,
        problems: Problems | None = None,
        trouble: str | None = None,
        status: int = 200,
        template: str = "book.html",
    ) -> Response:
        tenancy, problems = shop.tenancy, dict(problems or {})
        service = service_of(filled, tenancy.tenant)
        times = Times()
        if isinstance(service, Service):
            times = await self._times(request, shop, service, filled)
        elif filled.service.strip():
            problems.setdefault("service", "book_service_unknown")
        return self.site.pages.page(
            request,
            shop.visitor,
            template,
            status,
            house=tenancy.tenant.language,
            shop=shop,
            filled=filled,
            problems=problems,
            trouble=trouble,
            times=times,
            knows_service=isinstance(service, Service),
            services=tenancy.tenant.services,
            zone_name=tenancy.tenant.time_zone,
        )

    async def _times(self, request: Request, shop: Shop, service: Service, filled: Filled) -> Times:
        if not self._may_look(shop):
            return Times(slow_down=True)
        now, language = self.site.gateway.clock.now(), self._voice(request, shop).language
        return await free_times(shop.tenancy, service, day_of(filled.since), now, language)

    async def _answer(self, request: Request, shop: Shop, wish: Wish, reply: Reply) -> Response:
        """On to the page that can be reloaded, where the ledger has what it shows; otherwise the answer itself.

        What left no row left nothing that stands, and sending it again asks again.
        """
        if reply.outcome in {Outcome.BOOKED, Outcome.REQUESTED}:
            return self._to_result(shop)
        if reply.outcome is Outcome.IN_DOUBT and reply.why is not Why.OTHER_IN_DOUBT:
            return self._to_result(shop)
        try:
            stands = await standing(shop.tenancy, shop.form_id, self.site.gateway.clock.now())
        except (LedgerUnavailable, CommitUnknown):
            stands = None
        if stands is not None and is_same(wish, stands.wish):
            return self._to_result(shop)
        result = Result(reply, wish, self.site.gateway.clock.now())
        status = 200 if result.kind is Kind.GOOD else 503 if reply.outcome is Outcome.ERROR else 409
        return await self._told(request, shop, result, "book_result.html", status)

    async def _result(self, request: Request, template: str) -> Response:
        visitor = self._visitor(request)
        shop = self._shop(visitor, request.path_params["form_id"], NotThere("trouble_no_form"))
        result = await standing(shop.tenancy, shop.form_id, self.site.gateway.clock.now())
        bare = result is not None and result.kind is Kind.TAKEN and not result.offers
        if result is not None and bare and self._may_look(shop):
            result = await with_offers(shop.tenancy, result)
        return await self._told(request, shop, result, template)

    async def _told(
        self, request: Request, shop: Shop, result: Result | None, template: str, status: int = 200
    ) -> Response:
        now, voice = self.site.gateway.clock.now(), self._voice(request, shop)
        zone = ZoneInfo(shop.tenancy.tenant.time_zone)
        shown: dict[str, Any] = {"sentence": "", "offers": [], "filled": Filled(), "when": ""}
        if result is not None:
            said = None if result.word is None else Words(voice.language)(result.word)
            shown = {
                "sentence": said or sentence(voice, result.reply, now),
                "offers": [
                    (one.start.astimezone(zone).strftime(SLOT_FORM), read_as(one.start, zone, voice.language))
                    for one in result.offers
                ],
                "filled": Filled.of_wish(result.wish, zone),
                "when": read_as(result.wish.start, zone, voice.language),
            }
        return self.site.pages.page(
            request,
            shop.visitor,
            template,
            status,
            house=shop.tenancy.tenant.language,
            shop=shop,
            result=result,
            wait=None if result is None else result.wait_seconds(now),
            other="other" in request.query_params,
            zone_name=shop.tenancy.tenant.time_zone,
            **shown,
        )

    def _may_look(self, shop: Shop) -> bool:
        """Whether the calendar may be asked once more for this visitor."""
        return self.looks.allows(shop.visitor.session.nonce, self.site.gateway.clock.monotonic())

    def _voice(self, request: Request, shop: Shop) -> Voice:
        """The house's, in the language of the page."""
        language = self.site.pages.language(request, shop.tenancy.tenant.language)
        return replace(shop.tenancy.voice, language=Language(language))

    def _visitor(self, request: Request) -> Visitor:
        """Whoever may book here. Raises SignInNeeded."""
        settings, entrance = self.site.gateway.settings, self.site.pages.entrance
        # Open because we are on loopback is open to this machine, not to those whom a proxy brings.
        is_open = settings.form_open and (settings.booking_form is True or from_this_machine(request.scope))
        if is_open:
            return entrance.stranger(request, self.site.pages.clock.now())
        visitor = self.site.pages.visitor(request)
        if not visitor.operates:
            raise NotAllowed("role")  # a reader changes nothing; where everybody may book, so may they
        return visitor

    def _owner(self, visitor: Visitor, form_id: str) -> Tenancy | None:
        """Whose form this is, if it is this visitor's."""
        entrance = self.site.pages.entrance
        every = self.site.gateway.tenancies.all
        return next((one for one in every if entrance.is_form_id(visitor, one.tenant.tenant_id, form_id)), None)

    def _shop(self, visitor: Visitor, form_id: str | None, otherwise: Exception | None = None) -> Shop:
        tenancy = self._owner(visitor, form_id or "")
        if tenancy is None:
            raise otherwise or NotAllowed("form")
        return Shop(visitor, tenancy, form_id or "")

    def _to_result(self, shop: Shop, *, other: bool = False) -> Response:
        return self._redirect(shop.visitor, f"/book/{shop.form_id}" + ("?other=1" if other else ""))

    def _redirect(self, visitor: Visitor, where: str) -> Response:
        response = RedirectResponse(where, 303, headers=HEADERS)
        if visitor.fresh:
            self.site.pages.entrance.keep(response.headers, visitor.session)
        return response


def _asked(query: Mapping[str, str]) -> Filled:
    """What an address may fill in: no word of who it is."""
    return Filled(
        service=query.get("service", "")[:200], slot=query.get("slot", "")[:20], since=query.get("from", "")[:20]
    )


def routes(site: Site) -> list[tuple[str, str, Endpoint]]:
    form = BookingForm(site)
    return [
        ("GET", "/book", form.show),
        ("GET", "/booking-form", form.show),
        ("POST", "/book", form.book),
        ("GET", "/book/times", form.times),
        ("GET", "/book/{form_id}", form.result),
        ("GET", "/book/{form_id}/standing", form.standing),
    ]
