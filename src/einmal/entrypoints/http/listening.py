"""The server's side of a connection: whoever is slow, or sends no end, does not keep it.

The server itself waits for ever for the rest of a request. Here each step has its time: the head, the next piece of a
body, a body as a whole, and what is still sent once the answer is out. Where all connections are in use, the one that
keeps us waiting longest makes room: an attacker's open hands push out each other, and a call gets in.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from einmal.adapters.telemetry.logs import channel

HEAD_SECONDS: Final = 10.0
HEAD_BYTES_MAX: Final = 64 * 1024
PAUSE_SECONDS: Final = 15.0
"""Between two pieces of a body."""

BODY_SECONDS: Final = 60.0
BODY_BYTES_A_SECOND: Final = 1024
"""A body may take a minute, and longer if it keeps this pace. What waits for us is no delay of the client's."""

LINGER_SECONDS: Final = 5.0
"""For what still comes after the answer. Hung up at once, the answer could be lost on its way."""

CONNECTIONS_MAX: Final = 800
"""Below the thousand open files that systems allow a process by default. Feeds of pages count as well."""

_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own, with an end to every wait. The times are the class's, so that a test can have shorter ones."""

    head_seconds = HEAD_SECONDS
    pause_seconds = PAUSE_SECONDS
    body_seconds = BODY_SECONDS
    linger_seconds = LINGER_SECONDS
    connections_max = CONNECTIONS_MAX

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0
        self._body_began: float | None = None
        self._body_bytes = 0
        self._was_paused = False
        self.waiting_since: float | None = None
        """Since when we wait for the client; None while the client waits for us."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.waiting_since = self.loop.time()
        self._set_timer(self.head_seconds, self._head_is_late)
        if len(self.connections) > self.connections_max and not self._made_room():
            channel("http").warning("all connections are in use, and every client waits for us")
            self.hang_up(_FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_timer(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            if self._timer is None:
                self._set_timer(self.head_seconds, self._head_is_late)  # the next request, of a kept connection
            self._head_bytes += len(data)
        super().data_received(data)
        # A whole small request in one piece has ended its head by now.
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.hang_up(_TOO_LONG)

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        self._set_timer(None)
        self._body_began, self._body_bytes, self._was_paused = self.loop.time(), 0, False
        super().on_headers_complete()
        self._set_timer(self.pause_seconds, self._body_is_late)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)
        self._was_paused = self._was_paused or len(self.cycle.body) > HIGH_WATER_LIMIT
        if self.cycle.response_complete:
            return  # lingering has an end of its own
        if self._drips():
            self.hang_up(_TOO_SLOW)
        else:
            self.waiting_since = self.loop.time()
            self._set_timer(self.pause_seconds, self._body_is_late)

    def on_message_complete(self) -> None:
        self._set_timer(None)
        self.waiting_since, self._body_began = None, None
        self._in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._body_began is not None:
            # Answered before the request was whole: it may end, and then it is over.
            self._set_timer(self.linger_seconds, self.hang_up)
        elif self._in_head:
            self.waiting_since = self.loop.time()

    @property
    def _at_rest(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is None or bool(cycle.response_complete)

    def _head_is_late(self) -> None:
        self.hang_up(_TOO_SLOW)

    def _body_is_late(self) -> None:
        if self.flow.read_paused:
            self._set_timer(self.pause_seconds, self._body_is_late)  # it is we who keep the client waiting
        else:
            self.hang_up(_TOO_SLOW)

    def _drips(self) -> bool:
        if self._body_began is None or self._was_paused:
            return False
        return self.loop.time() - self._body_began > self.body_seconds + self._body_bytes / BODY_BYTES_A_SECOND

    def _made_room(self) -> bool:
        """Whether another connection, the one that keeps us waiting longest, was closed for this one."""
        others = (one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self)
        waiting = [one for one in others if one.waiting_since is not None and not one.transport.is_closing()]
        if not waiting:
            return False
        slowest = min(waiting, key=lambda one: one.waiting_since or 0.0)
        slowest.hang_up()
        return True

    def hang_up(self, answer: bytes = b"") -> None:
        self._set_timer(None)
        if self.transport.is_closing():
            return
        # Nothing may be said in the middle of an answer.
        if answer and (self._at_rest or not self.cycle.response_started):
            self.transport.write(answer)
        self.transport.close()

    def _set_timer(self, seconds: float | None, then: Any = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, then)
