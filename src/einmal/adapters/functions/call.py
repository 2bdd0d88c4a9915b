"""One function call, whoever brought it: what was called with what, and which phone call it is made in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from einmal.ports import CallContact

_VERSION = re.compile(r"(?<=.)_v\d+$")


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One request of the agent's.

    `call_id` is vouched for by the platform (the envelope, or the header that our tool definition ships).
    `said_call_id` is what the model wrote into the arguments: no identity, and used only to keep two
    nameless conversations apart.
    """

    name: str | None
    args: Mapping[str, Any]
    call_id: str | None = None
    said_call_id: str | None = None
    agent_id: str | None = None
    caller_number: str | None = None
    house_number: str | None = None
    direction: str | None = None
    """`inbound` or `outbound`, where the platform said who called whom."""
    platform: str = "retell"
    """Who vouches for all this; a call's row says so."""

    @property
    def direction_told(self) -> bool:
        """If it was not, the house's number is only presumed to be that."""
        return self.direction is not None

    @property
    def conversation_id(self) -> str | None:
        return self.call_id or self.said_call_id


def function_named(name: object) -> str | None:
    """A function's name, without the suffix of its version."""
    return _VERSION.sub("", name.strip().lower()) if isinstance(name, str) and name.strip() else None


def contact_of(call: FunctionCall) -> CallContact | None:
    """The phone call that a function call is made in; None where no platform vouches for one."""
    return None if call.call_id is None else CallContact(call.platform, call.call_id, call.agent_id)
