"""The protocol on standard input and output: what was asked before the input ended is answered before we end.

The SDK takes the end of the input for the end of the client and answers what is under way with "Connection closed".
Of a booking that would be untrue: it goes on, and stands a moment later. Whoever writes into a pipe has closed their
end before the first answer is there, and reads it all the same.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

ANSWERS_SECONDS: Final = 15.0
"""Longer than any function takes, with what comes before and after it."""

_CANCELLED: Final = "notifications/cancelled"

Reads = ObjectReceiveStream[SessionMessage | Exception]
Writes = ObjectSendStream[SessionMessage]


@dataclass(slots=True)
class Owed:
    """The requests that have no answer yet, by id."""

    _ids: set[Any] = field(default_factory=set)
    _none: anyio.Event = field(default_factory=anyio.Event)

    def heard(self, message: SessionMessage | Exception) -> None:
        told = None if isinstance(message, Exception) else message.message
        if isinstance(told, JSONRPCRequest):
            self._ids.add(told.id)
        elif isinstance(told, JSONRPCNotification) and told.method == _CANCELLED:
            # Nobody waits for that one, and by the protocol nobody gets it.
            self._settled((told.params or {}).get("requestId"))

    def said(self, message: SessionMessage) -> None:
        told = message.message
        if isinstance(told, JSONRPCResponse | JSONRPCError):
            self._settled(told.id)

    async def paid(self) -> None:
        """Until everything is answered."""
        while self._ids:
            self._none = anyio.Event()
            await self._none.wait()

    def _settled(self, request_id: object) -> None:
        self._ids.discard(request_id)
        if not self._ids:
            self._none.set()


@asynccontextmanager
async def patient_stdio() -> AsyncIterator[tuple[Reads, Writes]]:
    """The SDK's two streams; the first ends once what it has brought is answered."""
    owed = Owed()
    async with stdio_server() as (reads, writes), anyio.create_task_group() as tasks:
        hands_on, handed_on = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        answers, answered = anyio.create_memory_object_stream[SessionMessage](0)

        async def hand_on(to: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
            async with to:
                async for message in reads:
                    owed.heard(message)
                    await to.send(message)
                with anyio.move_on_after(ANSWERS_SECONDS):
                    await owed.paid()

        async def answer() -> None:
            async with writes, answered:
                async for message in answered:
                    await writes.send(message)
                    owed.said(message)

        tasks.start_soon(hand_on, hands_on)
        tasks.start_soon(answer)
        try:
            yield handed_on, answers
        finally:
            tasks.cancel_scope.cancel()
