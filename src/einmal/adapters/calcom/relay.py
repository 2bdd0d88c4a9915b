"""What is passed on to Cal.com as it came, and back as it came: streamed and unread. A POST or PATCH is sent once."""

import socket
from collections.abc import AsyncIterator, Iterable
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from yarl import URL

from einmal.adapters.connecting import reach_of, sockets_within
from einmal.domain.destination import Reach

CONNECT_SECONDS: Final = 5.0
QUEUE_SECONDS: Final = 15.0
"""For a connection, where all that there may be are in use: their clients may be slow, and this one has its own."""

ANSWER_SECONDS: Final = 60.0
"""Between two pieces of an answer."""

OF_ONE_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade", b"host", b"content-length", b"expect"),
    }
)
"""Headers that say something of one connection, not of what is asked. What `Connection` names beside them is as well.

A body's length is told all the same where it is known: whoever reads it to there knows that it is whole.
"""

OF_THIS_HOUSE: Final = frozenset({b"cookie"})
"""Cal.com's API takes none, and here they are those of people who look at our pages."""

WITH_BODY: Final = (b"content-length", b"transfer-encoding")

REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""aiohttp sends these again where a connection that was kept turns out to be dead. A body must be there twice then."""

KEPT_WHATEVER_CONNECTION_SAYS: Final = frozenset(
    {
        *(b"authorization", b"content-type", b"content-encoding", b"cal-api-version"),
        *(b"x-cal-client-id", b"x-cal-secret-key"),
    }
)
"""Without them it would be another request, so nobody may have them taken off on the way."""

OF_THE_SERVER: Final = frozenset({b"date", b"server"})
"""Told by the server that answers here."""

Headers = list[tuple[bytes, bytes]]


_REACH: ContextVar[Reach] = ContextVar("einmal_relay_reach")
"""Of the request under way: one session serves the base URLs of all houses."""


class NotRelayed(Exception):
    """No answer came. `args[0]`: whether a byte may have left."""


class Relay:
    """One base URL. No redirects are followed, no cookies kept, no proxies taken from the environment."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        base_url: str,
        method: str,
        target: str,
        headers: Iterable[tuple[bytes, bytes]],
        body: AsyncIterator[bytes] | bytes,
    ) -> tuple[aiohttp.ClientResponse, Headers]:
        """The answer's head; its body is still to be read from it. Raises NotRelayed, and what `body` raises."""
        _REACH.set(reach_of(base_url, allow_private=self._allow_private))
        came = list(headers)
        has_body = any(name in WITH_BODY and value != b"0" for name, value in came)
        if has_body and method in REPEATABLE and not isinstance(body, bytes):
            body = b"".join([piece async for piece in body])
        passed = _passed(came, but=OF_ONE_HOP | OF_THIS_HOUSE)
        length = [value for name, value in came if name == b"content-length"]
        chunked = any(name == b"transfer-encoding" for name, _ in came)
        if has_body and len(length) == 1 and not chunked and not isinstance(body, bytes):
            # Told beside another framing it would be a second opinion of where this request ends.
            passed.append((b"content-length", length[0]))
        try:
            answer = await self._client().request(
                method,
                URL(base_url.rstrip("/") + target, encoded=True),
                headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in passed],
                data=body if has_body else None,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                allow_redirects=False,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as failure:
            raise NotRelayed(False) from failure
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
            raise NotRelayed(True) from failure
        back = [(name.lower(), value) for name, value in answer.raw_headers]
        whole = [(name, value) for name, value in back if name == b"content-length"]
        return answer, _passed(back, but=OF_ONE_HOP | OF_THE_SERVER) + whole

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _client(self) -> aiohttp.ClientSession:
        # Made on first use: aiohttp wants the running loop. Bodies pass as they are, compressed or not.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=_socket),
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=QUEUE_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def _socket(address: Any) -> socket.socket:
    return sockets_within(_REACH.get())(address)


def _passed(headers: Headers, *, but: frozenset[bytes]) -> Headers:
    named = {
        one.strip().lower() for name, value in headers if name == b"connection" for one in value.split(b",")
    } - KEPT_WHATEVER_CONNECTION_SAYS
    return [(name, value) for name, value in headers if name not in but and name not in named]
