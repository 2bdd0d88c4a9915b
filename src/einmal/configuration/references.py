"""Secrets by reference: the file names an environment variable or another file, and never holds a key itself.

A configuration is copied, mailed, diffed and kept in version control; whatever stands in it is read by people who
should not have the key. What may stand there is a sealed value: it opens only with EINMAL_SECRETS_KEY, and only for the
tenant and the name that it was sealed for. No message here quotes a value, for it may be one.
"""

import contextlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from einmal.configuration.problems import is_variable, kind_of
from einmal.configuration.table import Table
from einmal.sealed import KEY_VARIABLE, CannotOpen, Keyring, SealedAt, looks_sealed, read_keys
from einmal.secret import Secret

SECRET_MAX: Final = 4096

_HOW: Final = '{ env = "NAME_OF_A_VARIABLE" }, { file = "/path/to/a/file" } or { sealed = "..." }'
_KINDS: Final = ("env", "file", "sealed")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")

FileReader = Callable[[Path], bytes]
"""The first bytes of a file, one more than a secret may have. Raises OSError."""


def read_secret_file(path: Path) -> bytes:
    return read_beginning(path, SECRET_MAX + 1)


def read_beginning(path: Path, most: int) -> bytes:
    """So many bytes of an ordinary file. Raises OSError for others: a pipe would be waited for, a device never ends."""
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no file")
    with path.open("rb") as file:
        return file.read(most)


def readable_by_all(path: Path) -> bool:
    """Whether everybody on this machine may read that file, as far as its own mode goes."""
    try:
        return bool(path.stat().st_mode & 0o004)
    except (OSError, ValueError):
        return False


def keyring_of(environment: Mapping[str, str]) -> Keyring:
    """The keys of the environment; none where they are not right, which is told where settings are read."""
    with contextlib.suppress(ValueError):
        return Keyring(read_keys(environment.get(KEY_VARIABLE, "")))
    return Keyring()


class References:
    """Follows them. `variables` are the names that were asked for, whether they are set or not; `exposed` the files
    that everybody on this machine may read; `sealed` the sealed values, each with its place."""

    def __init__(self, environment: Mapping[str, str], read_file: FileReader = read_secret_file) -> None:
        self.variables: set[str] = set()
        self.exposed: set[str] = set()
        self.sealed: list[SealedAt] = []
        self._environment = environment
        self._read_file = read_file
        self._tenant_id = ""

    def of_tenant(self, tenant_id: str) -> "References":
        """What follows them for one tenant; what is sealed is sealed for one. What they find is kept together."""
        one = References(self._environment, self._read_file)
        one.variables, one.exposed, one.sealed, one._tenant_id = self.variables, self.exposed, self.sealed, tenant_id
        return one

    def secret(self, table: Table, key: str, *, key_like: bool = True) -> Secret | None:
        """The one secret of a key. `key_like`: it goes into a header of a request, and so must be one word."""
        value = table.raw(key)
        if value is None:
            return None
        if isinstance(value, str) and looks_sealed(value):
            table.problem(key, 'write { sealed = "..." } around what is sealed')
            return None
        if isinstance(value, str):
            table.problem(
                key,
                "a secret must not stand in this file, which is copied, mailed and kept in version control; "
                f"write {_HOW}, and if it was in use, make a new one",
            )
            return None
        if not isinstance(value, dict):
            table.problem(key, f"must be {_HOW}, not {kind_of(value)}")
            return None
        return self._followed(Table(table.report, (*table.path, key), value), key_like=key_like)

    def secrets(self, table: Table, key: str, variable: str) -> tuple[Secret, ...]:
        """The secrets of a list, of which there may be two during a rotation. `variable`: the setting instead."""
        value = table.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            table.problem(key, f"must be a list: [{_HOW}]")
            return ()
        if not value:
            # Taken for "none set" it would let unsigned calls in.
            table.problem(key, f"must hold at least one; leave the line out to use {variable}")
        found = [self._element(table, key, number, item) for number, item in enumerate(value)]
        return tuple(secret for secret in found if secret is not None)

    def _element(self, table: Table, key: str, number: int, item: object) -> Secret | None:
        if not isinstance(item, dict):
            table.element_problem(key, number, f"a secret must not stand in this file; write {_HOW}")
            return None
        return self._followed(Table(table.report, (*table.path, key, number), item), key_like=True)

    def _followed(self, reference: Table, *, key_like: bool) -> Secret | None:
        kinds = [kind for kind in _KINDS if reference.raw(kind) is not None]
        reference.end()
        if len(kinds) != 1:
            reference.problem(None, f"must name either env, file or sealed: {_HOW}")
            return None
        (key,) = kinds
        follow = {"env": self._of_variable, "file": self._of_file, "sealed": self._of_sealed}[key]
        value = follow(reference, reference.raw(key))
        if value is None:
            return None
        if key != "sealed" and looks_sealed(value):
            # Taken for the key itself it would be sent to Cal.com, and open nothing there.
            reference.problem(key, 'what it leads to is sealed; write { sealed = "..." } with what stands there')
            return None
        if "\0" in value or (key_like and not (value.isascii() and value.isprintable() and " " not in value)):
            reference.problem(key, "what it leads to is no key: one word of letters, digits and signs, in one line")
            return None
        return Secret(value)

    def _of_variable(self, reference: Table, name: object) -> str | None:
        if not isinstance(name, str) or _VARIABLE.fullmatch(name) is None:
            reference.problem(
                "env", "must be the name of an environment variable, in capitals, digits and underscores; not its value"
            )
            return None
        self.variables.add(name)
        value = self._environment.get(name, "").strip()
        if not value:
            # A key in capitals passes for a name.
            called = name if is_variable(name) else "whose name is not shown, as it may be a secret,"
            reference.problem("env", f"the environment variable {called} is not set, or is empty")
            return None
        return value

    def _of_sealed(self, reference: Table, text: object) -> str | None:
        if not isinstance(text, str):
            reference.problem("sealed", "must be what `einmal secrets seal` has printed")
            return None
        name = ".".join(part for part in reference.path if isinstance(part, str) and part != "tenants")
        place = f"{self._tenant_id}/{name}"
        self.sealed.append(SealedAt(place, text))
        try:
            return keyring_of(self._environment).open(text, place).decode("utf-8", "replace").strip() or None
        except CannotOpen as why:
            again = f"einmal secrets seal {name} --tenant {self._tenant_id}"
            reference.problem("sealed", f"{why}; if the value is lost, take it from where it was made and: {again}")
            return None

    def _of_file(self, reference: Table, name: object) -> str | None:
        if not isinstance(name, str) or not name.startswith("/") or "\0" in name:
            reference.problem("file", "must be the whole path of a file that holds nothing but the secret, from /")
            return None
        try:
            content = self._read_file(Path(name))
        except (OSError, ValueError) as wrong:
            why = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "no such path"
            reference.problem("file", f"the file cannot be read: {why}")
            return None
        if len(content) > SECRET_MAX:
            reference.problem(
                "file", f"the file is longer than {SECRET_MAX} bytes; it must hold nothing but the secret"
            )
            return None
        if readable_by_all(Path(name)):
            self.exposed.add(name)
        value = content.decode("utf-8", "replace").strip()
        if not value:
            reference.problem("file", "the file is empty")
        return value or None
