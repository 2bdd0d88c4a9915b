"""One POST to somebody else's server: no redirects, no cookies, no proxies from the environment."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from einmal.adapters.connecting import OPERATORS, sockets_within

SEND_SECONDS: Final = 10.0
ANSWER_BYTES_MAX: Final = 16_384
"""Of an answer no more is read than tells why not."""


@dataclass(slots=True)
class Posting:
    """Connections that are kept between messages. Close it."""

    seconds: float = SEND_SECONDS
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes] | str:
        """The status, and of a refusal what it says; or, where nothing came back, a word why not, which quotes neither
        the address nor the body."""
        try:
            async with self._client().post(
                url, data=body, headers={"user-agent": "einmal", **headers}, allow_redirects=False
            ) as answer:
                return answer.status, b"" if answer.ok else await _beginning(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return type(error).__name__

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _client(self) -> aiohttp.ClientSession:
        # Made on first use: aiohttp wants the running loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=sockets_within(OPERATORS)),
                timeout=aiohttp.ClientTimeout(total=self.seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    try:
        return await answer.content.readexactly(ANSWER_BYTES_MAX)
    except asyncio.IncompleteReadError as whole:
        return whole.partial


def arrived(answer: tuple[int, bytes] | str) -> str | None:
    """None for any 2xx, else a short word."""
    if isinstance(answer, str):
        return answer
    return None if 200 <= answer[0] < 300 else f"http_{answer[0]}"
