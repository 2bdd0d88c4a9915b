"""A value that nobody sees by accident: an API key, a signing secret, an address with a password in it."""

import hmac


class Secret:
    """A value that is never shown: not in a repr, not in a log, not in a traceback's locals.

    Two are equal when their values are, so that a configuration read again can be told from another one.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode("utf-8", "surrogatepass"), other._bytes())

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def _bytes(self) -> bytes:
        return self._value.encode("utf-8", "surrogatepass")
