"""Secrets that somebody could guess. An address of the world is no place for them; on this machine alone they are told.

Those that a platform makes are left alone: their length is not the operator's choice.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from einmal.secret import Secret
from einmal.settings.model import Settings

LENGTH_MIN: Final = 16
LETTERS_MIN: Final = 6
"""Different ones: a word typed twice is no longer by that."""


def weak_secrets(settings: Settings) -> tuple[str, ...]:
    """A line for each that is weak, with its variable. None is quoted."""
    return tuple(dict.fromkeys(_told(settings)))


def _told(settings: Settings) -> Iterator[str]:
    how = f"is easily guessed: {LENGTH_MIN} letters or more, {LETTERS_MIN} of them different; try: openssl rand -hex 24"
    for variable, secrets in (
        ("EINMAL_ADMIN_TOKEN", (settings.admin_token,)),
        ("EINMAL_READER_TOKEN", (settings.reader_token,)),
        ("EINMAL_MCP_SECRET", settings.mcp_secret),
        ("EINMAL_VAPI_SECRET", (one for tenant in settings.tenants for one in tenant.vapi_secrets)),
        ("EINMAL_ELEVENLABS_SECRET", (one for tenant in settings.tenants for one in tenant.elevenlabs_secrets)),
    ):
        if _any_weak(secrets):
            yield f"{variable} {how}"


def _any_weak(secrets: Iterable[Secret | None]) -> bool:
    texts = (one.reveal() for one in secrets if one is not None)
    return any(len(text) < LENGTH_MIN or len(set(text)) < LETTERS_MIN for text in texts)
