"""Slack's incoming webhook: what a person of the house must do, in its channel.

Names, numbers and what callers said stay here: no retention of ours reaches what is in Slack. A message says what, when
and by which id to look it up.
"""

import json

from einmal.adapters.notify.letterhead import LetterheadOf, tenant_of
from einmal.adapters.notify.letters import for_the_house
from einmal.adapters.notify.plain import plain
from einmal.adapters.notify.post import Posting, arrived
from einmal.ports import Clock, Message
from einmal.secret import Secret
from einmal.speech.said import Language


async def post_text(url: Secret, text: str, posting: Posting | None = None) -> str | None:
    """One message of plain text in Slack's channel; None if it has arrived, else a short word why not.

    `posting`: connections to be used again; without them one is opened for this message alone.
    """
    used = posting or Posting()
    body = json.dumps({"text": escaped(text), "unfurl_links": False}, ensure_ascii=False).encode()
    try:
        return arrived(await used.post(url.reveal(), body, {"content-type": "application/json"}))
    finally:
        if posting is None:
            await used.close()


def escaped(text: str) -> str:
    """As Slack wants it: else <!channel> would call everybody, and <url|text> be a link."""
    lines = (plain(line, 1_000) for line in text.splitlines())
    return "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class SlackCourier:
    """`url` is a secret: whoever has it can write there. `language` is the installation's."""

    def __init__(self, url: Secret, letterhead_of: LetterheadOf, language: Language, clock: Clock) -> None:
        self._url = url
        self._letterhead_of = letterhead_of
        self._language = language
        self._clock = clock
        self._posting = Posting()

    async def send(self, message: Message) -> str | None:
        news = for_the_house(message, self._letterhead_of(tenant_of(message)), self._language, self._clock.now())
        if news is None:
            return None
        return await post_text(self._url, f"{news.subject}\n{news.text}", self._posting)

    async def close(self) -> None:
        await self._posting.close()
