"""docs/reference/settings.md: each setting as declared. What is allowed is what its own parser says of nonsense."""

from pathlib import Path
from typing import Final

from reference_parts import cell, code, described, page, table

from einmal.secret import Secret
from einmal.settings import SETTINGS, Setting
from einmal.settings.given import OF_A_FILE, secret_settings
from einmal.settings.model import OF_THE_TENANT

NONSENSE: Final = ("\x00", "no such value")
FREE: Final = {str: "text", Secret: "a secret", Path: "a path"}


def settings_page() -> str:
    rows = (
        (_name(one), cell(described(one.meaning, one.variable)), cell(_allowed(one)) + _default(one))
        for one in SETTINGS
    )
    theirs = ", ".join(map(code, OF_THE_TENANT.values()))
    return page(
        "Settings",
        "All of them are variables of the environment, read once at the start and checked together. An empty one "
        "counts as not set; one that does not exist is refused, with the nearest that does. `einmal config check` "
        "shows what is in force, and never a secret's value. What ends in `_FILE` names a file that holds the secret, "
        "instead of the variable above it.",
        "With several houses, what is a house's own (" + theirs + ") stands in "
        "the file of `EINMAL_CONFIG`: [the configuration](../configuration.md).",
        table(("setting", "what it is", "allowed, and the default"), rows),
    )


def _name(one: Setting) -> str:
    """What is a secret may come as a file as well."""
    by_file = f"<br>{code(one.variable + OF_A_FILE)}" if one.variable in secret_settings() else ""
    return code(one.variable) + by_file


def _default(one: Setting) -> str:
    match one.default:
        case None | ():
            return ""
        case bool():
            text = str(one.default).lower()
        case float():
            text = f"{one.default:g}"
        case _:
            text = str(one.default)
    return f"<br>default: {code(text)}"


def _allowed(one: Setting) -> str:
    for text in NONSENSE:
        try:
            value = one.read(text)
        except ValueError as refused:
            return str(refused).removeprefix("must be ")
        if isinstance(value, tuple):
            return "one secret, or several with a comma between them"
        if type(value) in FREE:
            return FREE[type(value)]
        if isinstance(value, Path):
            return FREE[Path]
    return described(None, f"what {one.variable} may be")
