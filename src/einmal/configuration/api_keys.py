"""The keys of a house's own programs: each with a name, and with what it may be used for."""

import re
from dataclasses import dataclass
from typing import Final

from einmal.configuration.problems import shown
from einmal.configuration.references import References
from einmal.configuration.table import Table
from einmal.domain.scope import Scope
from einmal.secret import Secret

KEY_MIN: Final = 16
"""Letters. Nobody guesses one of these within a rate limit."""

_SCOPES: Final = ", ".join(Scope)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_FORM: Final = (
    f"must be NAME:SCOPE+SCOPE:KEY, several with a comma between them; a name has lower-case letters, digits, - and _; "
    f"scopes are {_SCOPES}; a key has {KEY_MIN} letters or more, without commas"
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`name` is the program's. Two keys of one name are one program's, during a rotation."""

    name: str
    scopes: frozenset[Scope]
    key: Secret


def api_keys_of(text: str) -> tuple[ApiKey, ...]:
    """The keys of a setting. Raises ValueError, which quotes nothing: any part may be a key."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found = [_api_key(part) for part in parts]
    if not found or len({one.key for one in found}) != len(found):
        raise ValueError(_FORM if not found else "holds one key twice")
    return tuple(found)


def _api_key(part: str) -> ApiKey:
    name, _, rest = part.partition(":")
    scopes, _, key = rest.partition(":")
    words = {scope.strip() for scope in scopes.split("+")}
    if _NAME.fullmatch(name) is None or not words <= set(Scope) or not _is_key(key):
        raise ValueError(_FORM)
    return ApiKey(name, frozenset(map(Scope, words)), Secret(key))


def _is_key(key: str) -> bool:
    return len(key) >= KEY_MIN and key.isascii() and key.isprintable() and " " not in key


def read_api_keys(table: Table, references: References) -> tuple[ApiKey, ...]:
    """Those under [[api_keys]]. Where there are problems the report has them."""
    found = []
    for one in table.tables("api_keys"):
        name = one.read("name", _name)
        if "name" not in one:
            one.lack("name", "a word for the program that has this key, such as website")
        key, scopes = references.secret(one, "key"), _scopes(one)
        if "key" not in one:
            one.lack("key", 'where the key is, such as { env = "SALON_WEBSITE_KEY" }')
        elif key is not None and not _is_key(key.reveal()):
            one.problem("key", f"what it leads to is too short for a key: {KEY_MIN} letters or more")
        one.end({"scope": "scopes", "secret": "key", "api_key": "key"})
        if name is not None and key is not None and scopes:
            found.append(ApiKey(name, scopes, key))
    return tuple(found)


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError("must be lower-case letters, digits, - and _, such as website")
    return text


def _scopes(table: Table) -> frozenset[Scope]:
    texts = table.texts("scopes")
    if "scopes" not in table:
        table.lack("scopes", f"what the key may be used for, one or more of {_SCOPES}")
    elif table.raw("scopes") == []:
        table.problem("scopes", f"must hold at least one of {_SCOPES}")
    for number, text in texts:
        if text not in set(Scope):
            table.element_problem("scopes", number, f"{shown(text)} is no scope; there are {_SCOPES}")
    return frozenset(Scope(text) for _, text in texts if text in set(Scope))
