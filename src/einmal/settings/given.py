"""What the environment gives: values, files that hold them, and sealed values, all read as if they stood there plainly.

Docker, Kubernetes and systemd hand secrets over as files, which no child process inherits: for each setting EINMAL_X
that is a secret there is EINMAL_X_FILE. No message quotes a value, nor what is in a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, get_args, get_type_hints

from einmal.configuration.api_keys import ApiKey
from einmal.configuration.references import SECRET_MAX, keyring_of, read_secret_file, readable_by_all
from einmal.sealed import KEY_VARIABLE, CannotOpen, Keyring, SealedAt, looks_sealed
from einmal.secret import Secret
from einmal.settings.declared import SETTINGS
from einmal.settings.model import Settings

OF_A_FILE: Final = "_FILE"


@dataclass(frozen=True, slots=True)
class Given:
    """`environment` has every secret as its value; `exposed` are files that everybody may read."""

    environment: Mapping[str, str]
    problems: tuple[str, ...]
    exposed: tuple[str, ...]
    sealed: tuple[SealedAt, ...]


@cache
def secret_settings() -> tuple[str, ...]:
    """The variables of those settings that are secrets, told by their type: a new one is among them."""
    hints = get_type_hints(Settings)
    return tuple(one.variable for one in SETTINGS if _is_secret(hints[one.name]))


def given(environment: Mapping[str, str]) -> Given:
    """The environment with files read and seals opened."""
    found, problems, exposed, sealed = dict(environment), list[str](), list[str](), list[SealedAt]()
    for variable in secret_settings():
        by_file = f"{variable}{OF_A_FILE}"
        name = found.pop(by_file, "").strip()
        if not name:
            continue
        if found.get(variable, "").strip():
            problems.append(f"{by_file}: {variable} is set as well; keep one of them")
            continue
        try:
            found[variable] = _content(name)
        except ValueError as wrong:
            problems.append(f"{by_file}: {wrong}")
            continue
        if readable_by_all(Path(name)):
            exposed.append(name)
    keyring = keyring_of(found)
    for variable in secret_settings():
        text = found.get(variable, "").strip()
        if looks_sealed(text):
            sealed.append(SealedAt(variable, text))
            found[variable] = _opened(keyring, variable, text, problems)
    return Given(found, tuple(problems), tuple(exposed), tuple(sealed))


def _content(name: str) -> str:
    """What a file holds. Raises ValueError."""
    if not name.startswith("/"):
        raise ValueError("must be the whole path of a file that holds nothing but the secret, from /")
    try:
        content = read_secret_file(Path(name))
    except (OSError, ValueError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "no such path"
        raise ValueError(f"the file cannot be read: {why}") from None
    if len(content) > SECRET_MAX:
        raise ValueError(f"the file is longer than {SECRET_MAX} bytes; it must hold nothing but the secret")
    # Some editors begin each file with a mark of their own, which no key has.
    value = content.decode("utf-8-sig", "replace").strip()
    if not value:
        raise ValueError("the file is empty")
    if not value.isprintable() or "\N{REPLACEMENT CHARACTER}" in value:
        raise ValueError("the file holds more than one line, or no text; it must hold nothing but the secret")
    return value


def _opened(keyring: Keyring, variable: str, text: str, problems: list[str]) -> str:
    if variable == KEY_VARIABLE:
        problems.append(f"{variable}: opens what is sealed, and so cannot be sealed itself")
        return ""
    try:
        return keyring.open(text, variable).decode("utf-8", "replace")
    except CannotOpen as why:
        problems.append(f"{variable}: {why}")
        return ""


def _is_secret(hint: object) -> bool:
    return hint in {Secret, ApiKey} or any(_is_secret(part) for part in get_args(hint))
