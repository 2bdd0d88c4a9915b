"""A short message to the caller's phone, by Twilio's REST interface.

At least once: Twilio knows no key by which it would tell a repeat, so a message whose answer was lost is sent again.
"""

import json
import re
from typing import Final
from urllib.parse import urlencode

import aiohttp

from einmal.adapters.notify.letterhead import LetterheadOf
from einmal.adapters.notify.letters import for_the_customer
from einmal.adapters.notify.plain import plain
from einmal.adapters.notify.post import Posting, arrived
from einmal.domain.promise import MessageKind
from einmal.ports import Clock, Message, StoredReply
from einmal.secret import Secret

TWILIO: Final = "https://api.twilio.com"
LETTERS_MAX: Final = 300
E164: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)

TAKES_NONE: Final = frozenset({21211, 21610, 21614})
"""Twilio's codes for a number that is none, one that wants no messages, and one that can take none. A confirmation was
promised to nobody and is let go of. Who was promised to hear is for a person to call, and only a failure tells one."""
_VAIN: Final = frozenset(f"http_400_{code}" for code in TAKES_NONE)


class SmsCourier:
    """One POST a try. `account` and `token` are Twilio's; `sender` a number, a name or a messaging service (MG…)."""

    def __init__(
        self,
        account: str,
        token: Secret,
        sender: str,
        letterhead_of: LetterheadOf,
        clock: Clock,
        base_url: str = TWILIO,
    ) -> None:
        self._url = f"{base_url}/2010-04-01/Accounts/{account}/Messages.json"
        self._account = account
        self._token = token
        self._sender = sender
        self._letterhead_of = letterhead_of
        self._clock = clock
        self._posting = Posting()

    async def send(self, message: Message) -> str | None:
        about = message.about
        if not isinstance(about, StoredReply):
            return None
        wish = about.intent.wish
        news = for_the_customer(message, self._letterhead_of(wish.tenant_id), self._clock.now(), signed=True)
        if news is None or wish.person.phone is None or E164.fullmatch(wish.person.phone) is None:
            return None
        why_not = await self._sent(wish.person.phone, plain(news.text, LETTERS_MAX))
        return None if why_not in _VAIN and message.kind is MessageKind.CONFIRMED else why_not

    async def close(self) -> None:
        await self._posting.close()

    async def _sent(self, phone: str, text: str) -> str | None:
        sender = "MessagingServiceSid" if self._sender.startswith("MG") else "From"
        body = urlencode({"To": phone, sender: self._sender, "Body": text}).encode()
        account = aiohttp.encode_basic_auth(self._account, self._token.reveal(), encoding="utf-8")
        headers = {"content-type": "application/x-www-form-urlencoded", "authorization": account}
        answer = await self._posting.post(self._url, body, headers)
        if isinstance(answer, str) or answer[0] != 400:
            return arrived(answer)
        return f"http_400_{_code(answer[1]) or 'unknown'}"


def _code(body: bytes) -> int | None:
    """Twilio's number for what is wrong. Its words may quote the phone number."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    code = told.get("code") if isinstance(told, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None
