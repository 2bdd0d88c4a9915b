"""Plays a conversation to its end and says everything that was not as its file tells.

Each request goes through the ASGI application, signed as the platform signs. `Doubling` says how often: every one of
them once, or each twice, byte for byte, one after the other or at once. The same must stand at the end.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import count
from typing import Any, Final

from starlette.types import ASGIApp

from einmal.adapters.retell.signature import sign
from einmal.adapters.telemetry.logs import JsonLines
from einmal.domain.canaries import canaries_in
from einmal.domain.intent import State
from einmal.domain.invariants import Spoken
from einmal.simulator.asgi import HttpAnswer
from einmal.simulator.asgi import request as send_request
from einmal.simulator.faults import FaultPlan
from einmal.simulator.virtual import VirtualLoop, run_virtual
from support.conversation import Conversation, FunctionCall, Person, PhoneCall, Step, Together, Wait, Weather, Webhook
from support.conversation_answer import Answer, differs, not_as_expected, of_the_contract
from support.conversation_evidence import broken, rows_of, spoken_of, standing, told_of
from support.conversation_home import Place
from support.conversation_private import private_in
from support.conversation_world import RETELL_KEY, Stage, staged

DISPATCHER: Final = "/api/retell/function-call"
WEBHOOKS: Final = "/api/webhooks/retell"
REST_HOURS: Final = 30
_UNFINISHED: Final = (State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING)
_LIVE_CHANGES: Final = "SELECT count(*) FROM changes WHERE state IN ('sent', 'doubt')"
_WAITING_NEWS: Final = "SELECT count(*) FROM outbox WHERE due_at IS NOT NULL"
_ENDS: Final = {
    "intents": "SELECT state FROM intents ORDER BY created_at, intent_id",
    "changes": "SELECT kind || ' ' || state FROM changes ORDER BY created_at, change_id",
}
_OPEN_CALLBACKS: Final = "SELECT count(*) FROM callbacks WHERE done_at IS NULL"
_HOLDS: Final = "SELECT count(*) FROM holds WHERE expires_at > '{}'"


class Doubling(Enum):
    ONCE = "once"
    AFTER = "twice"
    """The second as soon as the first is answered."""
    TOGETHER = "twice at once"


@dataclass
class Played:
    """`problems` is empty, or the conversation did not go as its file tells."""

    problems: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


Door = Callable[[Stage], ASGIApp]
"""What the agent calls: our application, unless somebody wants to see what another one would do."""


def play(
    conversation: Conversation,
    home: Place,
    doubling: Doubling = Doubling.ONCE,
    door: Door = lambda stage: stage.app,
) -> Played:
    """From its first word to the moment when everything has come to rest, in virtual time."""
    with _log_lines() as lines:
        played = run_virtual(_played(conversation, home, doubling, door))
    played.log = lines
    leaks = canaries_in((("the log", line) for line in lines), private_in(conversation))
    played.problems += [f"{leak.invariant}: {leak.text}" for leak in leaks]
    played.problems += [f"something broke: {line}" for line in lines if '"exception"' in line or '_failed"' in line]
    return played


async def _played(conversation: Conversation, home: Place, doubling: Doubling, door: Door) -> Played:
    async with staged(conversation, home) as stage:
        working = asyncio.ensure_future(stage.work())
        player = _Player(stage, doubling, door(stage))
        for number, step in enumerate(conversation.steps, 1):
            player.where = f"step {number}"
            await player.step(step)
            stage.wake.set()
        held = stage.rows(_HOLDS.format(f"{stage.clock.now():%Y-%m-%dT%H:%M:%S}.000Z"))
        await _rest(stage)
        await player.end(held[0][0])
        working.cancel()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        player.played.problems += [f"nobody heard of {one.get('exception')!r}" for one in loop.unheard]
        return player.played


async def _rest(stage: Stage) -> None:
    """The faults stop; every doubt must end by itself, and whoever was promised news hears of it."""
    stage.calcom.follow(FaultPlan())
    until = stage.clock.monotonic() + REST_HOURS * 3600
    await asyncio.sleep(5)
    while stage.clock.monotonic() < until and await _unfinished(stage):
        stage.calcom.tick()
        await asyncio.sleep(30)
    while stage.calcom.next_commit_in_seconds is not None:
        await asyncio.sleep(stage.calcom.next_commit_in_seconds + 1)
        stage.calcom.tick()


async def _unfinished(stage: Stage) -> bool:
    ledger, tenants = stage.gateway.ledger, [one.tenant.tenant_id for one in stage.gateway.tenancies.all]
    waiting = [stage.rows(statement)[0][0] for statement in (_LIVE_CHANGES, _WAITING_NEWS)]
    return any(waiting) or any([await ledger.in_states(one, _UNFINISHED, 1) for one in tenants])


@dataclass
class _Player:
    stage: Stage
    doubling: Doubling
    app: ASGIApp
    played: Played = field(default_factory=Played)
    spoken: list[Spoken] = field(default_factory=list)
    labelled: dict[str, Answer] = field(default_factory=dict)
    where: str = ""

    async def step(self, step: Step) -> None:
        match step:
            case FunctionCall():
                await self._call(step)
            case Together(calls, statuses):
                first = await asyncio.gather(*(self._call(one) for one in calls))
                got = tuple(sorted(answer["status"] for answer in first))
                if statuses is not None and got != statuses:
                    self._problem(f"{', '.join(statuses)} expected, and answered were {', '.join(got)}")
            case Webhook():
                await self._webhook(step)
            case Person():
                self.stage.act(step)
            case Wait(span):
                await asyncio.sleep(span.total_seconds())
            case Weather(plan):
                self.stage.calcom.follow(plan)

    async def _call(self, step: FunctionCall) -> Answer:
        """The first answer, of what is sent once or twice."""
        about = f"{self.where}, {step.function}"
        args = {name: self._meant(value) for name, value in step.args.items()}
        path, body = DISPATCHER, {"name": step.function, "args": args}
        if step.args_only:
            path, body = f"/api/retell/{step.function.replace('_', '-')}", args
        elif step.call is not None:
            body["call"] = step.call.told()
        began = self.stage.clock.monotonic()
        raw = await self._sent(path, body)
        took = self.stage.clock.monotonic() - began
        answers = [self._read(one, step.call, about) for one in raw]
        first = self._checked(step, answers, about)
        limit = None if step.expect is None else step.expect.within_seconds
        if limit is not None and took > limit * len(answers):
            self._problem(f"{about}: it took {took:.1f} s")
        self._remember(step, first)
        return first

    def _checked(self, step: FunctionCall, answers: list[Answer], about: str) -> Answer:
        """Each answer is as expected, and the second says what the first said or what the file tells of it."""
        expected, again = step.expect, step.again
        if expected is not None:
            # Sent at once, either may be the one that was first.
            answers = sorted(answers, key=lambda one: one["status"] != expected.status)
        first, *others = answers
        if expected is not None:
            wrong = not_as_expected(first, expected, self.labelled)
            if wrong:
                self._problem(f"{about}: {'; '.join(wrong)}; answered was {json.dumps(first, ensure_ascii=False)}")
        for other in others:
            told = again.status if again is not None else first["status"]
            if other["status"] not in {told, first["status"] if self.doubling is Doubling.TOGETHER else told}:
                self._problem(f"{about}, the second time: {told} expected; answered was {other}")
            elif again is None and differs(first, other):
                self._problem(f"{about}, the second time it is told otherwise: {other} after {first}")
        return first

    def _read(self, raw: HttpAnswer, call: PhoneCall | None, about: str) -> Answer:
        if raw.status != 200:
            self._problem(f"{about}: HTTP {raw.status}")
            return {"status": f"http {raw.status}", "success": False, "message": ""}
        answer: Answer = raw.json
        self.played.answers.append(answer)
        self.played.problems += [f"{about}: {wrong}" for wrong in of_the_contract(answer)]
        said = spoken_of(self.stage.clock.true_now(), None if call is None else call.call_id, answer)
        if said is not None:
            self.spoken.append(said)
        return answer

    async def _webhook(self, step: Webhook) -> None:
        body: dict[str, Any] = {"event": step.event}
        if step.event == "call_inbound":
            told = step.call.told()
            body["call_inbound"] = {name: told[name] for name in ("agent_id", "from_number", "to_number", "call_id")}
        else:
            times = (
                {"start_timestamp": self._ms(-60)} if step.event == "call_started" else {"end_timestamp": self._ms()}
            )
            reason = {} if step.reason is None else {"disconnection_reason": step.reason}
            body["call"] = step.call.told() | times | reason
        for answer in await self._sent(WEBHOOKS, body):
            variables = (answer.json.get("call_inbound") or {}).get("dynamic_variables", {})
            got = {name: variables.get(name) for name in step.variables}
            if answer.status != 200 or got != dict(step.variables):
                self._problem(f"{step.event}: HTTP {answer.status}, {answer.body.decode()}")

    async def _sent(self, path: str, body: Any) -> list[HttpAnswer]:
        data = json.dumps(body, ensure_ascii=False).encode()
        times = count(self._ms())

        async def once() -> HttpAnswer:
            # Signed anew: the same signature would be answered from memory, and what is tried here is the flows.
            signature = sign(data, RETELL_KEY, next(times))
            headers = {"x-retell-signature": signature, "content-type": "application/json"}
            return await send_request(self.app, "POST", path, data, headers)

        match self.doubling:
            case Doubling.ONCE:
                return [await once()]
            case Doubling.AFTER:
                return [await once(), await once()]
            case Doubling.TOGETHER:
                return list(await asyncio.gather(once(), once()))

    def _ms(self, seconds: float = 0.0) -> int:
        return int((self.stage.clock.true_now().timestamp() + seconds) * 1000)

    def _meant(self, value: Any) -> Any:
        """`$offer.2` is the second slot that was offered last, `$first.ref` the booking of the answer called first."""
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        label, _, what = value[1:].partition(".")
        try:
            answer = self.labelled[label]
            return answer["alternatives"][int(what) - 1]["slot"] if what.isdigit() else answer["booking"][what]
        except (KeyError, IndexError):
            self._problem(f"there is no {value}")
            return "nothing"

    def _remember(self, step: FunctionCall, answer: Answer) -> None:
        if answer.get("alternatives"):
            self.labelled["offer"] = answer
        if step.label is not None:
            self.labelled[step.label] = answer

    def _problem(self, text: str) -> None:
        self.played.problems.append(f"{self.where}: {text}" if not text.startswith(self.where) else text)

    async def end(self, held: int) -> None:
        """What stands."""
        stage, end = self.stage, self.stage.conversation.end
        self.where = "at the end"
        self.played.standing = standing(stage)
        found: dict[str, object] = {"calendar": tuple(self.played.standing)}
        for what, statement in _ENDS.items():
            found[what] = tuple(row[0] for row in stage.rows(statement))
        found |= {"callbacks": stage.rows(_OPEN_CALLBACKS)[0][0], "holds": held}
        found |= {} if end.news is None else {"news": tuple(sorted(stage.letterbox.news))}
        wanted = replace(end, calendar=tuple(sorted(end.calendar)), news=end.news and tuple(sorted(end.news)))
        for what, value in found.items():
            if value != getattr(wanted, what):
                self._problem(f"{what}: {getattr(wanted, what)} expected, and {value} found")
        for what, most in end.processed.items():
            if stage.counting.processed[what] > most:
                self._problem(f"{stage.counting.processed[what]} {what} were processed, at most {most} may be")
        rows, news = await rows_of(stage), told_of(stage)
        self.played.problems += broken(stage, rows, self.spoken, news)


@contextmanager
def _log_lines() -> Iterator[list[str]]:
    """Every line that a process in production would write."""
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler, loggers = Lines(logging.DEBUG), [logging.getLogger(name) for name in ("einmal", "asyncio")]
    handler.setFormatter(JsonLines())
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
