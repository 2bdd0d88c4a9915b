"""Traces: one for each function call, through the calendar and the ledger. Unasked for, there are none."""

from contextlib import AbstractContextManager
from typing import Protocol


class Spans(Protocol):
    """Words and ids only: never a name, a phone, an address, or what an exception says."""

    def arriving(self, traceparent: str | None) -> AbstractContextManager[None]:
        """A function call: a trace of its own, or a part of its caller's, if this W3C `traceparent` names one."""

    def span(self, name: str, **words: str | int) -> AbstractContextManager[None]:
        """A part of the function call that we are in. In none, nothing is kept."""
