"""Traces by OpenTelemetry. Loaded only where they are asked for: it is an extra (`pip install 'einmal[tracing]'`).

What happens in a function call is told by facts, here as to logs and metrics: a request to the calendar becomes a span
when it has been answered, the reply gives the root its name, a decision is an event. So nothing gets into a trace
that is not a word, an id or a duration of ours. What runs behind the calls is in no trace: it is in logs and metrics.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from einmal import __version__
from einmal.adapters.telemetry.logs import channel
from einmal.domain.facts import Booked, CalendarAsked, Changed, Doubted, Fact, NotStarted, Rejected, Served, Settled

EXPORT_SECONDS: Final = 5.0
"""How long one batch may take, tries and pauses together. It takes a thread's time, and no call's."""

CLOSE_SECONDS: Final = 3.0
"""How long the last spans may take when we end."""

KEPT_MAX: Final = 4_096
"""Spans that wait to be sent, about four hundred calls. Where nobody takes them, the oldest go."""

AT_ONCE: Final = 512
EVERY_SECONDS: Final = 1.0

PATH: Final = "/v1/traces"
"""Where a collector takes traces, if the address names no path."""

_NANO: Final = 1_000_000_000


class Traces:
    """The Spans port, and an Observer. `processor`: what becomes of a span that has ended."""

    def __init__(self, processor: SpanProcessor) -> None:
        resource = Resource({"service.name": "einmal", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("einmal", __version__)
        self._callers = TraceContextTextMapPropagator()

    @contextlib.contextmanager
    def arriving(self, traceparent: str | None) -> Iterator[None]:
        # `tracestate` is left: it is a text of the caller's, and would be sent on.
        carrier = {} if traceparent is None else {"traceparent": traceparent}
        parent = self._callers.extract(carrier, context.Context())
        with self._within(self._tracer.start_span("function call", parent, SpanKind.SERVER)):
            yield

    @contextlib.contextmanager
    def span(self, name: str, **words: str | int) -> Iterator[None]:
        if not _in_a_call():
            yield
            return
        with self._within(self._tracer.start_span(name, attributes=_named(**words))):
            yield

    def observe(self, facts: Sequence[Fact]) -> None:
        """Told after the commit. Neither raises nor blocks."""
        if _in_a_call():
            for fact in facts:
                self._observed(trace.get_current_span(), fact)

    async def close(self) -> None:
        """Send what is left, for as long as that may take."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def end() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(sent.set)

        # A thread that keeps nothing alive: to whoever does not answer, the rest is lost.
        Thread(target=end, name="traces-end", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await sent.wait()

    @contextlib.contextmanager
    def _within(self, span: Span) -> Iterator[None]:
        token = context.attach(trace.set_span_in_context(span))
        try:
            yield
        except BaseException as error:
            # Its class and no more: what it says may be what a caller said.
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            context.detach(token)
            span.end()

    def _observed(self, here: Span, fact: Fact) -> None:
        match fact:
            case CalendarAsked():
                self._asked(fact)
            case Served():
                here.update_name(fact.function)
                words = _named(adapter=fact.adapter, function=fact.function, outcome=fact.outcome, call_id=fact.call_id)
                here.set_attributes(words)
            case NotStarted():
                here.set_attributes(_named(not_started=fact.why))
            case Booked():
                words = _named(intent_id=fact.intent_id, booking_id=fact.booking_uid, state=fact.state.value)
                here.add_event("booked", words)
            case Rejected():
                words = _named(intent_id=fact.intent_id, layer=fact.layer.value, reason=fact.reason.value)
                here.add_event("rejected", words | _named(booking_id=fact.booking_uid))
            case Doubted():
                here.add_event("in doubt", _named(intent_id=fact.intent_id))
            case Settled():
                here.add_event("settled", _named(intent_id=fact.intent_id, way=fact.event.value))
            case Changed():
                words = _named(intent_id=fact.intent_id, change_id=fact.change_id)
                here.add_event(f"{fact.kind.value} {fact.event.value}", words)
            case _:
                pass  # of the process or of the worker, and counted there

    def _asked(self, fact: CalendarAsked) -> None:
        ended = time.time_ns()
        began = ended - int(fact.seconds * _NANO)
        words = _named(operation=fact.operation.value, code=fact.code)
        name = f"calendar {fact.operation.value}"
        self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=words, start_time=began).end(ended)


def exporting(url: str) -> Traces:
    """Traces that are sent to the collector at this address."""
    _quieten()
    address = url if urlsplit(url).path.strip("/") else url.rstrip("/") + PATH
    exporter = Reporting(OTLPSpanExporter(address, timeout=EXPORT_SECONDS, session=_StatusOnly()))
    every = EVERY_SECONDS * 1000
    return Traces(BatchSpanProcessor(exporter, KEPT_MAX, every, AT_ONCE))


class _StatusOnly(requests.Session):
    """Of an answer no more is read than its status: a body may be anything, and never end. A redirect is no taking."""

    def request(self, *args: Any, **named: Any) -> requests.Response:
        answer = super().request(*args, **(named | {"stream": True}))
        answer.close()
        if 300 <= answer.status_code < 400:
            raise requests.TooManyRedirects
        return answer


class Reporting(SpanExporter):
    """Says once that nobody takes the traces, and once that somebody does again."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        failing = result is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            fields = {"spans": len(spans), "consequence": "these are lost; calls are served as before"}
            channel("http").warning("traces are not taken by their collector", extra={"fields": fields})
        elif self._failing and not failing:
            channel("http").warning("traces are taken again")
        self._failing = failing
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


def _in_a_call() -> bool:
    """Of a call that nobody wants traced there is a span too, which keeps nothing."""
    return trace.get_current_span().get_span_context().is_valid


def _named(**words: str | int | None) -> dict[str, str | int]:
    return {f"einmal.{name}": word for name, word in words.items() if word is not None}


def _quieten() -> None:
    """The SDK's own complaints, with addresses and answers of others, each time anew. Ours is said once."""
    theirs = logging.getLogger("opentelemetry")
    theirs.handlers[:] = [logging.NullHandler()]
    theirs.propagate = False
