"""Spans as they end, in memory; each is read by the suite's canary as it would be sent."""

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from einmal.adapters.telemetry.traces import Traces
from support.canary import CANARY


class Ended(SpanProcessor):
    """What ended, the first first."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)
        CANARY.hear("a span", span.to_json())

    def trace(self, number: int = 0) -> dict[str, ReadableSpan]:
        """The spans of one trace, by name."""
        traces = list(dict.fromkeys(trace_id(span) for span in self.spans))
        return {span.name: span for span in self.spans if trace_id(span) == traces[number]}

    @property
    def traces(self) -> int:
        return len({trace_id(span) for span in self.spans})


def kept() -> tuple[Traces, Ended]:
    """Traces, and what ends in them."""
    ended = Ended()
    return Traces(ended), ended


def trace_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def parent(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


def span_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"
