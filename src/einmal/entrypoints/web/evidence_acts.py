"""What a person does about an intent or a call-back: a page that says what will happen, and the form that does it.

Each is written into the audit log before it is begun. Done twice, by a second click or in another window, it is done
once, and the second hears that it is.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from einmal.domain.callback import Callback
from einmal.domain.intent import BOOKED, State
from einmal.domain.reply import Outcome, Why
from einmal.domain.whose import Caller, Named
from einmal.entrypoints.evidence.possible import Can, possible
from einmal.entrypoints.evidence.spoken import Teller
from einmal.entrypoints.web.entrance import NotAllowed, Visitor
from einmal.entrypoints.web.pages import HEADERS, NotThere
from einmal.entrypoints.web.site import Site
from einmal.flows.rule import CannotRule
from einmal.ports.stories import IntentStory
from einmal.tenancies import Tenancy

CANCEL_UNSURE: Final = "cancel-unsure"
CALLED_BACK: Final = "called-back"
DONE: Final = frozenset({*(can.value for can in Can), CANCEL_UNSURE, CALLED_BACK})
"""What a page may say was done."""

UID_MAX: Final = 100


class NotDone(Exception):
    """Why it was not done: a key of the words, and where a flow says more, its sentence."""

    def __init__(self, key: str, sentence: str = "") -> None:
        super().__init__(key)
        self.key, self.sentence = key, sentence


@dataclass(frozen=True, slots=True)
class Acts:
    site: Site

    async def show(self, request: Request) -> Response:
        """What will happen. Nothing does yet."""
        visitor = self._operator(request)
        story, can = await self._asked(request)
        if can not in possible(story, self.site.gateway.clock.now()):
            return self._page(request, visitor, story, can, NotDone("ev_not_now"))
        return self._page(request, visitor, story, can)

    async def do(self, request: Request) -> Response:
        visitor = self.site.pages.visitor(request)
        fields = await self.site.pages.entrance.form(request, visitor)
        story, can = await self._asked(request)
        uid = fields.get("uid", "").strip()[:UID_MAX]
        try:
            done = await self._done(visitor, story, can, uid)
        except NotDone as why:
            return self._page(request, visitor, story, can, why, uid)
        return RedirectResponse(f"/intents/{story.stored.intent.intent_id}?done={done}", 303, HEADERS)

    async def _done(self, visitor: Visitor, story: IntentStory, can: Can, uid: str) -> str:
        """The word of what was done. Raises NotDone."""
        intent = story.stored.intent
        if _is_so(story, can, uid):
            return can
        if can not in possible(story, self.site.gateway.clock.now()):
            raise NotDone("ev_not_now")
        if can is Can.RULE_BOOKED and not uid:
            raise NotDone("ev_uid_missing")
        ids = {"intent_id": intent.intent_id} | ({"booking_uid": uid} if can is Can.RULE_BOOKED else {})
        await self.site.record(can.replace("-", "_"), visitor, **ids)
        try:
            match can:
                case Can.RULE_BOOKED:
                    await self._tenancy(story).rulings.booked(intent.intent_id, uid)
                case Can.RULE_NOT_BOOKED:
                    await self._tenancy(story).rulings.not_booked(intent.intent_id)
                case Can.RULE_WRONG | Can.RULE_RIGHT:
                    await self.site.gateway.rejections.rule(intent.intent_id, wrong=can is Can.RULE_WRONG)
                case Can.LOOK_NOW:
                    await self.site.gateway.ledger.looked(intent, self.site.gateway.clock.now(), more=0)
                case Can.CANCEL:
                    return await self._cancelled(story)
        except CannotRule as why:
            raise NotDone("ev_cannot_rule", str(why)) from None
        return can

    async def _cancelled(self, story: IntentStory) -> str:
        """Through the flow that serves callers, with all that it promises; named as a stranger names it, so that it is
        not taken for something that was wished in a call."""
        intent, slot = story.stored.intent, story.stored.booking
        named = Named(
            start=intent.wish.start, ref=None if slot is None else slot.ref, name=intent.wish.person.name or None
        )
        reply = await self._tenancy(story).changes.cancel(named, Caller())
        if reply.outcome is Outcome.CANCELLED:
            return Can.CANCEL
        if reply.outcome is Outcome.IN_DOUBT:
            return CANCEL_UNSURE
        raise NotDone("ev_cancel_too_late" if reply.why is Why.TOO_LATE else "ev_cancel_not")

    def _tenancy(self, story: IntentStory) -> Tenancy:
        tenancy = self.site.gateway.tenancies.get(story.stored.intent.wish.tenant_id)
        if tenancy is None:
            raise NotDone("ev_tenant_gone")
        return tenancy

    async def show_callback(self, request: Request) -> Response:
        visitor = self._operator(request)
        callback = await self._callback(request)
        done = None if callback.done_at is None else NotDone("ev_not_now")
        return self._callback_page(request, visitor, callback, done)

    async def call_back(self, request: Request) -> Response:
        """Somebody has called. It is open until then, and done once."""
        visitor = self.site.pages.visitor(request)
        await self.site.pages.entrance.form(request, visitor)
        callback = await self._callback(request)
        tenancy = self.site.gateway.tenancies.get(callback.tenant_id)
        if tenancy is None:
            return self._callback_page(request, visitor, callback, NotDone("ev_tenant_gone"))
        if callback.done_at is None:
            ids = {"callback_id": callback.callback_id, "call_id": request.path_params["call_id"]}
            await self.site.record("callback_done", visitor, **ids)
            await tenancy.calling_back.callbacks.done(callback.callback_id, self.site.gateway.clock.now())
        path = quote(request.path_params["call_id"], safe="")
        return RedirectResponse(f"/calls/{path}?done={CALLED_BACK}", 303, HEADERS)

    async def _callback(self, request: Request) -> Callback:
        stories = await self.site.gateway.stories.of_call(request.path_params["call_id"])
        wanted = request.path_params["callback_id"]
        for callback in (one for story in stories for one in story.callbacks):
            if callback.callback_id == wanted:
                return callback
        raise NotThere("trouble_no_page")

    def _operator(self, request: Request) -> Visitor:
        """A reader is not shown what only an operator may do."""
        visitor = self.site.pages.visitor(request)
        if not visitor.operates:
            raise NotAllowed("role")
        return visitor

    async def _asked(self, request: Request) -> tuple[IntentStory, Can]:
        story = await self.site.gateway.stories.of_intent(request.path_params["intent_id"])
        if story is None:
            raise NotThere("trouble_no_intent")
        try:
            return story, Can(request.path_params["can"])
        except ValueError:
            raise NotThere("trouble_no_page") from None

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        story: IntentStory,
        can: Can,
        why: NotDone | None = None,
        uid: str = "",
    ) -> Response:
        values = {"story": story, "intent": story.stored.intent, "can": can, "uid": uid or _suggested(story, can)}
        return self._confirm(request, visitor, why, **values, callback=None)

    def _callback_page(
        self, request: Request, visitor: Visitor, callback: Callback, why: NotDone | None = None
    ) -> Response:
        values = {"story": None, "intent": None, "can": CALLED_BACK, "uid": ""}
        return self._confirm(request, visitor, why, **values, callback=callback)

    def _confirm(self, request: Request, visitor: Visitor, why: NotDone | None, **values: Any) -> Response:
        teller = Teller(self.site.pages.language(request), ZoneInfo(self.site.pages.settings.timezone))
        status = 200 if why is None else 409
        return self.site.pages.page(
            request, visitor, "act.html", status, why=why, teller=teller, back=_back(request), **values
        )


def _back(request: Request) -> str:
    if "call_id" in request.path_params:
        return f"/calls/{quote(request.path_params['call_id'], safe='')}"
    return f"/intents/{quote(request.path_params['intent_id'], safe='')}"


def _is_so(story: IntentStory, can: Can, uid: str) -> bool:
    """Whether exactly that was done before: a second click changes nothing, and is told so."""
    intent = story.stored.intent
    ruled = [bool(fact.data.get("wrong")) for fact in story.facts if fact.kind == "rejectionruled"][-1:]
    match can:
        case Can.RULE_BOOKED:
            return intent.state in BOOKED and bool(uid) and intent.booking_uid == uid
        case Can.RULE_NOT_BOOKED:
            return intent.state is State.REJECTED
        case Can.RULE_WRONG | Can.RULE_RIGHT:
            return ruled == [can is Can.RULE_WRONG]
        case Can.CANCEL:
            return intent.state is State.CANCELLED
        case Can.LOOK_NOW:
            return False


def _suggested(story: IntentStory, can: Can) -> str:
    """The booking that came back, if it carries our id: most rulings are about that one."""
    ours = (one.seen for one in story.attempts if one.seen is not None)
    mark = story.stored.intent.mark
    return next((seen.uid for seen in ours if seen.operation_id == mark), "") if can is Can.RULE_BOOKED else ""
