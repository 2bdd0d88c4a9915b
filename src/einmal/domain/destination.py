"""Where the gateway may connect to, by the address that it is about to connect to.

An address in a setting can be a trap or a slip: a machine beside ours, the cloud's metadata service, a name that means
one thing when it is checked and another when it is used. So the decision is about addresses, as the socket gets them.
What no house needs for its calendar is never allowed: link-local, where clouds keep their keys, multicast and "any".
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

_NEVER: Final = frozenset({"fd00:ec2::254", "100.100.100.200", "168.63.129.16"})
"""Metadata services of clouds that stand in ranges which are otherwise a house's own, or the world's."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Reach:
    """`loopback`: this machine. `private`: networks that the world cannot reach, this machine among them."""

    loopback: bool = False
    private: bool = False


def may_connect(address: str, reach: Reach) -> bool:
    """Whether an address, as a socket gets it, lies within reach. What is no address does not."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_within(one, reach) for one in (found, *_inside(found)))


def _within(address: Address, reach: Reach) -> bool:
    if str(address) in _NEVER or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address.is_loopback:
        return reach.loopback or reach.private
    if address.is_reserved and not (isinstance(address, ipaddress.IPv6Address) and _inside(address)):
        return False
    return reach.private or address.is_global or bool(_inside(address))


def _inside(address: Address) -> tuple[ipaddress.IPv4Address, ...]:
    """The IPv4 address that an IPv6 one stands for: mapped, compatible, 6to4, Teredo, NAT64."""
    if not isinstance(address, ipaddress.IPv6Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if int(address) >> 32 == 0 and int(address) > 1:
        found.append(ipaddress.IPv4Address(int(address)))
    return tuple(one for one in found if one is not None)


_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*", re.ASCII)


def is_disguised(host: str) -> bool:
    """Whether a host is an address in a spelling that readers disagree about: 2130706433, 0x7f.1, 0177.0.0.1.

    Whatever ends in a number is taken for IPv4 by resolvers; only four plain decimal parts are one for everybody.
    """
    last = host.rstrip(".").rpartition(".")[2]
    if ":" in host or not _NUMBER.fullmatch(last):
        return False
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return True
    return False
