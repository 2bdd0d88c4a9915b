"""What is sealed or secret: names of slots, signatures, webhook secrets. Nothing altered is ever taken for good."""

import base64
from datetime import UTC, datetime
from random import Random
from typing import Final

from einmal.adapters.notify.key import SECRET_BYTES_MIN, webhook_key
from einmal.adapters.retell.signature import FUTURE_MS_MAX, PAST_MS_MAX, SignatureCheck, check_signature, sign
from einmal.domain.model import Offer
from einmal.domain.slot import offer_of
from fuzz.caller_targets import BODY_MAX, ELSEWHERE, ENVELOPES, NOW, OFFERED, SALON
from fuzz.mutation import altered_bytes, altered_text, pumped_text, said, sent
from fuzz.target import Target, holds

NOW_MS: Final = int(NOW.timestamp() * 1000)
WEBHOOK: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()

# Slots


def _slot(rng: Random) -> str:
    return said(rng, (OFFERED, OFFERED, ELSEWHERE), ("-", "_", "=", "A", "/", "+", "ä", "\ud800"))


def _read_slot(name: str) -> str:
    offer = offer_of(name, SALON.hash_key)
    if offer is None:
        return "not ours"
    holds(offer == Offer(datetime(2026, 12, 1, 9, 0, tzinfo=UTC), "101"), "an offer that was never made")
    raw, made = (base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) for text in (name.strip(), OFFERED))
    holds(raw == made, "an altered seal was taken")
    return "ours"


def _long_slot(rng: Random, size: int) -> str:
    return pumped_text(rng, (OFFERED, "A" * 40), size)


KEYS: Final = ("key_one", "key_two")


def _signed(rng: Random) -> tuple[str | None, bytes, bytes, int]:
    """A header and the body that it was made for; what arrives may be another."""
    body = sent(rng, ENVELOPES)
    at_ms = NOW_MS + rng.choice((0, 1, -1, -PAST_MS_MAX, -PAST_MS_MAX - 1, FUTURE_MS_MAX, FUTURE_MS_MAX + 1))
    header: str | None = sign(body, rng.choice((*KEYS, "another", "")), at_ms)
    arrived = body
    match rng.randrange(5):
        case 0:
            arrived = altered_bytes(rng, body)
        case 1:
            header = altered_text(rng, header or "", ("v=", ",d=", "0", "A", "٣", "\n", " "))
        case 2:
            header = rng.choice((None, "", header.upper() if header else "", "v=1,d=", f"{header},v=1"))
        case _:
            pass
    return header, arrived, body, at_ms


def _check_signature(given: tuple[str | None, bytes, bytes, int]) -> str:
    header, arrived, body, at_ms = given
    check = check_signature(header, arrived, KEYS, NOW_MS).check
    good = header in [sign(arrived, key, at_ms) for key in KEYS] and arrived == body
    in_time = -FUTURE_MS_MAX <= NOW_MS - at_ms <= PAST_MS_MAX
    holds((check is SignatureCheck.VALID) is (good and in_time), "taken for another than it is")
    holds((check is SignatureCheck.EXPIRED) is (good and not in_time), "expired is what was good once")
    holds((check is SignatureCheck.MISSING) is (header is None), "missing is missing")
    return check.value


def _long_signed(rng: Random, size: int) -> tuple[str | None, bytes, bytes, int]:
    body = b"x" * size
    return pumped_text(rng, (sign(b"", "another", NOW_MS),), min(size, 8000)), body, body, NOW_MS


# Webhook secrets


def _webhook(rng: Random) -> str:
    return said(rng, (WEBHOOK, "whsec_" + "A" * 32, "whsec_AAAA"), ("whsec_", "=", "+", "/", "-", "A", "ä", "\n"))


def _webhook_key(text: str) -> str:
    try:
        key = webhook_key(text)
    except ValueError:
        return "refused"
    holds(len(key) >= SECRET_BYTES_MIN and text.startswith("whsec_"), "a secret that is none")
    return "key"


TARGETS: Final = (
    Target("slot", _slot, _read_slot, _long_slot, BODY_MAX),
    Target("signature", _signed, _check_signature, _long_signed, BODY_MAX),
    Target("webhook secret", _webhook, _webhook_key),
)
