"""What is passed on to Cal.com as it came, and back as it came: streamed, unread, never repeated."""

from collections.abc import AsyncIterator, Iterable
from typing import Final

import aiohttp
from yarl import URL

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 60.0
"""Between two pieces of an answer."""

OF_ONE_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer"),
        *(b"transfer-encoding", b"upgrade", b"host", b"content-length", b"expect"),
    }
)
"""Headers that say something of one connection, not of what is asked."""

Headers = list[tuple[bytes, bytes]]


class NotRelayed(Exception):
    """No answer came. `args[0]`: whether a byte may have left."""


class Relay:
    """One base URL. No redirects are followed, no cookies kept, no proxies taken from the environment."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        base_url: str,
        method: str,
        target: str,
        headers: Iterable[tuple[bytes, bytes]],
        body: AsyncIterator[bytes],
    ) -> tuple[aiohttp.ClientResponse, Headers]:
        """The answer's head; its body is still to be read from it. Raises NotRelayed."""
        passed = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in headers
            if name.lower() not in OF_ONE_HOP
        ]
        has_body = method not in {"GET", "HEAD"}
        try:
            answer = await self._client().request(
                method,
                URL(base_url.rstrip("/") + target, encoded=True),
                headers=passed,
                data=body if has_body else None,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                allow_redirects=False,
            )
        except aiohttp.ClientConnectorError as failure:
            raise NotRelayed(False) from failure
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise NotRelayed(True) from failure
        back = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() not in OF_ONE_HOP]
        return answer, back

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _client(self) -> aiohttp.ClientSession:
        # Made on first use: aiohttp wants the running loop. Bodies pass as they are, compressed or not.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session
