"""The wire below the Cal.com adapter: one request, one answer, and the truth about what was sent.

The port is as small as that so that the simulator can stand in for the network. The question a POST needs
answered is whether the first byte may have left: before a connection is there, surely not; after that,
nobody can know. `write_deadline` is checked when the connection is in hand, immediately before the write
(R4): a sender that was held up in DNS or the pool does not send once its lease may have been taken over.
"""

import ssl
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.connector import Connection

from einmal.adapters.connecting import OutOfReach, reach_of, sockets_within

ANSWER_MAX_BYTES: Final = 1024 * 1024
"""No answer of Cal.com's that we ask for is near this; more is nonsense or malice."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """`target` is path and query. `deadline` and `write_deadline` are of the monotonic clock."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    deadline: float
    write_deadline: float


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """Header names are in lower case. `elapsed_seconds` runs from the write to the answer's last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_seconds: float


class NeverSent(Exception):
    """It failed before the first byte left. `args[0]` is a short word of ours."""


class MaybeSent(Exception):
    """It failed after a byte may have left. `args[0]` is a short word of ours."""


class Transport(Protocol):
    async def send(self, request: WireRequest) -> WireAnswer:
        """Raises NeverSent or MaybeSent, nothing else."""

    async def close(self) -> None: ...


class AiohttpTransport:
    """The network, by aiohttp. No redirects, no cookies, no proxies from the environment, no retries:
    aiohttp repeats a request on a dead keep-alive connection only for idempotent methods, never a POST."""

    def __init__(self, base_url: str, connections_max: int = 64, *, allow_private: bool = False) -> None:
        """Connects to addresses of the world, to this machine where the base URL says so, and to private networks only
        where that is allowed, whatever the name leads to."""
        self._base_url = base_url.rstrip("/")
        self._reach = reach_of(self._base_url, allow_private=allow_private)
        self._connections_max = connections_max
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: WireRequest) -> WireAnswer:
        progress = _Progress(request.write_deadline)
        _PROGRESS.set(progress)
        left = request.deadline - time.monotonic()
        if left <= 0:
            raise NeverSent("deadline")
        try:
            async with self._client().request(
                request.method,
                self._base_url + request.target,
                headers=dict(request.headers),
                data=request.body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=left),
            ) as response:
                body = await response.content.read(ANSWER_MAX_BYTES + 1)
                while len(body) <= ANSWER_MAX_BYTES and not response.content.at_eof():
                    body += await response.content.read(ANSWER_MAX_BYTES + 1 - len(body))
                if len(body) > ANSWER_MAX_BYTES:
                    raise MaybeSent("answer_too_large")
                headers = {name.lower(): value for name, value in response.headers.items()}
                return WireAnswer(response.status, headers, body, time.monotonic() - progress.written_at)
        except _DeadlinePassed:
            raise NeverSent("deadline") from None
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError, ValueError) as error:
            word = _word(error)
            raise (MaybeSent(word) if progress.may_have_left else NeverSent(word)) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _client(self) -> aiohttp.ClientSession:
        # Made on first use: aiohttp wants the running loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_DeadlineConnector(limit=self._connections_max, socket_factory=sockets_within(self._reach)),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
                trust_env=False,
            )
        return self._session


class _DeadlinePassed(Exception):
    """The connection came too late. Nothing was written."""


@dataclass(slots=True)
class _Progress:
    """How far one request got. `may_have_left` turns true just before the first byte could be written."""

    write_deadline: float
    may_have_left: bool = False
    written_at: float = 0.0


_PROGRESS: ContextVar[_Progress] = ContextVar("einmal_wire_progress")


class _DeadlineConnector(aiohttp.TCPConnector):
    """Looks at the clock when the connection is in hand; what comes next in aiohttp is the write."""

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Connection:  # noqa: ASYNC109 - aiohttp's own
        connection = await super().connect(req, traces, timeout)
        progress = _PROGRESS.get()
        progress.written_at = time.monotonic()
        if progress.written_at >= progress.write_deadline:
            connection.close()
            raise _DeadlinePassed
        progress.may_have_left = True
        return connection


_WORDS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((OutOfReach,), "out_of_reach"),
    ((aiohttp.ClientConnectorDNSError,), "dns"),
    ((aiohttp.ClientSSLError, ssl.SSLError), "tls"),
    ((TimeoutError,), "timeout"),
    ((aiohttp.ClientConnectorError,), "connect"),
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError), "reset"),
    ((aiohttp.ClientPayloadError,), "truncated"),
)
"""First match wins. A short word for evidence and logs: the error's own text may hold addresses."""


def _word(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        # aiohttp wraps what the socket said.
        error = error.os_error if isinstance(error.os_error, OutOfReach) else error
    return next((word for kinds, word in _WORDS if isinstance(error, kinds)), "broken")
