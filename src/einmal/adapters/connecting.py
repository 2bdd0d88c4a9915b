"""Connections that go only where they may: each address is looked at when the socket to it is made.

A name is looked up again whenever it is used, and may lead elsewhere than when it was checked. Here is nothing between
the look and the use.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from einmal.domain.destination import Reach, may_connect

OPERATORS: Final = Reach(private=True)
"""Where news goes: wherever the operator says, in the house's own networks too. Nobody is shown what answers there."""


class OutOfReach(OSError):
    """This address is none that may be connected to. The text names none."""


def reach_of(base_url: str, *, allow_private: bool) -> Reach:
    """Of a calendar's address: the world; this machine, where that is what the address says; more where allowed."""
    host = urlsplit(base_url).hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return Reach(loopback=loopback, private=allow_private)


def sockets_within(reach: Reach) -> Callable[[Any], socket.socket]:
    """Makes sockets for addresses within reach. They raise OutOfReach for others, before a packet leaves."""

    def made(address: Any) -> socket.socket:
        family, kind, protocol, _, where = address
        if family not in {socket.AF_INET, socket.AF_INET6} or not may_connect(str(where[0]), reach):
            raise OutOfReach("the address is out of reach")
        return socket.socket(family, kind, protocol)

    return made
