"""Odd input made from good input: changes of JSON in its structure, of text and of bytes, all drawn from one seed."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

NUMBERS: Final[tuple[Any, ...]] = (
    *(0, 1, -1, 2, 30, 255, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**40),
    *(0.0, -0.0, 0.5, 1e308, 1e-320, float("inf"), float("nan")),
)
INSTANTS: Final = (
    *("2026-12-01T09:00:00.000Z", "2026-12-01T10:00:00+01:00", "2026-12-01", "2026-13-45T99:99:99Z", "1.12.2026"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-12-01T09:00:00", "31.11.", "24:00", "10 Uhr 30"),
    *("2026-12-01T09:00:00.123456789Z", "-2026-12-01T09:00:00Z", "2026-W49-2T09:00:00Z", "20261201T090000Z", "10:00Z"),
    "2026-10-25T02:30:00",
)
WORDS: Final = (
    *("", " ", "null", "None", "true", "false", "0", "-", "{{name}}", "${x}", "\u0000", "\n", "\ud800", "\u202e"),
    *("\u200b", "a\u0301", "ß", "İ", "ſ", "🎉", "９", "٣", "Ⅷ", "²", "anonymous", "call_1", "unknown", "bei Mia"),
    *("accepted", "ACCEPTED", "pending", "cancelled", "rejected", "success", "error", "ThrottlerException"),
    *("already has booking at this time or is not available", "metadata.x - ", "x property is wrong", "responses - {"),
    *("has been cancelled already", "Missing payment credentials", "+4930901820", "030 901820", "a at b punkt de"),
    *("a@b.de", "halb drei"),
)
FRAGMENTS: Final = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u", b"\\ud800", b"null", b"NaN", b"1e999", b"-", b"0"),
    *(b"\x00", b"\n", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"{{", b"}}", b"="),
    *(b"#", b"'", b'"""', b"[[", b"]]"),
    *(b" ", b"\t", b".", b"T", b"Z", b"+", b"|", b"%", b"@", b";", b"v=", b"d=", b"9" * 40, b"9" * 5000, b"a" * 300),
)
EDITS_MAX: Final = 4


ODD: Final[tuple[Any, ...]] = (
    *([], {}, [[]], [None], {"": None}, {"id": 1}, [{"email": "a@b.de"}], [1, "2"], None, True, False),
)


def odd_value(rng: Random) -> Any:
    """Something that a field does not expect."""
    match rng.randrange(10):
        case 0 | 1 | 2:
            return rng.choice(NUMBERS)
        case 3:
            return rng.choice(INSTANTS)
        case 4 | 5 | 6:
            return rng.choice(WORDS) * rng.choice((1, 1, 1, 2, 17, 256, 600))
        case 7:
            return _nested(rng.choice((3, 19, 20, 21, 100, 900)), in_lists=rng.random() < 0.5)
        case _:
            return _copy(rng.choice(ODD))


def _nested(depth: int, *, in_lists: bool) -> Any:
    inner: Any = [] if in_lists else {}
    for _ in range(depth):
        inner = [inner] if in_lists else {"x": inner}
    return inner


def altered(rng: Random, value: Any) -> Any:
    """A copy of JSON-like data with a few changes somewhere in it."""
    copied = _copy(value)
    box = [copied]
    for _ in range(rng.randint(0, EDITS_MAX)):
        _edit(rng, box)
    return box[0]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _edit(rng: Random, box: list[Any]) -> None:
    """Walk down at random, and change what is there."""
    parent: Any = box
    key: Any = 0
    while isinstance(parent[key], dict | list) and parent[key] and rng.random() < (0.97 if parent is box else 0.85):
        parent = parent[key]
        key = rng.choice(list(parent)) if isinstance(parent, dict) else rng.randrange(len(parent))
    match rng.randrange(8):
        case 0 if parent is not box:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[rng.choice(WORDS)] = parent.pop(key)
        case 2 if isinstance(parent, dict):
            parent[rng.choice(WORDS)] = odd_value(rng)
        case 3:
            parent[key] = [parent[key]] * rng.choice((1, 2, 101))
        case 4 if isinstance(parent[key], str):
            parent[key] = altered_text(rng, parent[key])
        case 5 if isinstance(parent[key], int | float):
            parent[key] += rng.choice((1, -1, 0.5))
        case 6 if isinstance(parent[key], int | float | bool):
            parent[key] = str(parent[key])
        case _:
            parent[key] = odd_value(rng)


def altered_text(rng: Random, text: str, alphabet: Sequence[str] = WORDS) -> str:
    """The text with a few letters or pieces put in, left out, doubled or replaced."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        until = min(len(text), at + rng.choice((0, 1, 1, 2, 5)))
        piece = rng.choice(alphabet) if rng.random() < 0.5 else rng.choice(" .:-+0123456789TZzaAuh@\u00a0")
        match rng.randrange(4):
            case 0:
                text = text[:at] + text[until:]
            case 1:
                text = text[:until] + text[at:]
            case _:
                text = text[:at] + piece + text[until:]
    return text


def altered_bytes(rng: Random, data: bytes) -> bytes:
    """The bytes with a few of them changed."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(data))
        until = min(len(data), at + rng.choice((0, 1, 1, 4, 40)))
        match rng.randrange(6):
            case 0:
                data = data[:at] + data[until:]
            case 1:
                data = data[:until] + data[at:]
            case 2 if at < len(data):
                data = data[:at] + bytes((data[at] ^ (1 << rng.randrange(8)),)) + data[at + 1 :]
            case 3:
                data = data[:at] if rng.random() < 0.5 else data[at:]
            case _:
                data = data[:at] + rng.choice(FRAGMENTS) + data[until:]
    return data


def as_json(rng: Random, value: Any) -> bytes:
    """The data as somebody might send it; lone surrogates and all."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    body = text.encode("utf-8", "surrogatepass")
    return altered_bytes(rng, body) if rng.random() < 0.25 else body


def sent(rng: Random, seeds: Sequence[Any]) -> bytes:
    """A body: a good one changed in its structure, or in its bytes, or plain noise."""
    if rng.random() < 0.03:
        return rng.randbytes(rng.choice((0, 1, 3, 16, 200)))
    return as_json(rng, altered(rng, rng.choice(seeds)))


def said(rng: Random, seeds: Sequence[str], alphabet: Sequence[str] = WORDS) -> str:
    """A text: a good one, a changed one, or letters from anywhere."""
    match rng.randrange(12):
        case 0:
            return "".join(chr(rng.randrange(rng.choice((128, 0x250, 0x11000)))) for _ in range(rng.randrange(20)))
        case 1:
            return rng.choice(WORDS + INSTANTS)
        case 2 | 3:
            return rng.choice(seeds)
        case _:
            return altered_text(rng, rng.choice(seeds), alphabet)


Pump = Callable[[Random, int], Any]
"""An input of about so many bytes, made of one piece again and again: what makes a bad pattern slow."""


def pumped_text(rng: Random, seeds: Sequence[str], size: int) -> str:
    whole = rng.choice(seeds)
    at = rng.randint(0, len(whole))
    piece = rng.choice((whole[at : at + rng.randint(1, 4)], rng.choice(WORDS), rng.choice(" .:-@a1{[\u200b"))) or " "
    times = max(1, size // len(piece))
    return whole[:at] + piece * times + whole[at:] + rng.choice(("", "!", "\n", "x"))
