"""Addresses that the gateway must not connect to, however they are written and whatever a name leads to."""

import asyncio
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from einmal.adapters.calcom.relay import NotRelayed, Relay
from einmal.adapters.calcom.transport import ANSWER_MAX_BYTES, AiohttpTransport, MaybeSent, NeverSent, WireRequest
from einmal.adapters.connecting import OPERATORS, OutOfReach, reach_of, sockets_within
from einmal.adapters.notify.post import Posting
from einmal.configuration.values import base_url, https
from einmal.domain.destination import Reach, is_disguised, may_connect
from einmal.settings import read_settings
from einmal.settings.read import BadSettings
from support.certificates import serving_tls
from support.receivers import Receiver, receiving, says

WORLD, OWN = Reach(), Reach(private=True)

ANY = "0.0.0.0"  # noqa: S104 - to connect to, which nobody may
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12:3456::1", "fc00::1"]
NEVER = [
    *("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", ANY, "::", "224.0.0.1", "ff02::1"),
    *("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "255.255.255.255", "240.0.0.1"),
    *("::ffff:169.254.169.254", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe", "::169.254.169.254", "no address", ""),
]
LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
INSIDE_IPV6 = ["::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1"]
PUBLIC = ["104.16.0.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


def test_what_the_world_reaches_is_reached() -> None:
    """The control: these are refused to nobody."""
    assert all(may_connect(one, WORLD) and may_connect(one, OWN) for one in PUBLIC)


@pytest.mark.parametrize("address", PRIVATE + INSIDE_IPV6)
def test_private_networks_only_where_they_are_allowed(address: str) -> None:
    assert not may_connect(address, WORLD)
    assert not may_connect(address, Reach(loopback=True))
    assert may_connect(address, OWN)


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_only_where_that_is_meant(address: str) -> None:
    assert not may_connect(address, WORLD)
    assert may_connect(address, Reach(loopback=True))


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_nobodys_calendar(address: str) -> None:
    """Link-local, metadata of clouds, multicast, "any": allowed by nothing."""
    assert not may_connect(address, Reach(loopback=True, private=True))


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.01", "1", "0x", "10.0.0.1.", "example.1"],
)
def test_addresses_in_disguise_are_no_setting(host: str) -> None:
    """Readers disagree about them: resolvers take them for IPv4, others for a name."""
    assert is_disguised(host)
    for read in (base_url, https):
        with pytest.raises(ValueError, match="four decimal numbers"):
            read(f"https://{host}")


@pytest.mark.parametrize("host", ["api.cal.com", "cal.example.org", "8.8.8.8", "localhost", "xn--1ca.test"])
def test_control_names_and_plain_addresses_are(host: str) -> None:
    assert not is_disguised(host)
    assert base_url(f"https://{host}") == f"https://{host}"


@pytest.mark.parametrize(
    "url",
    [
        *("https://me:secret@api.cal.com", "https://api.cal.com@evil.test", "https://api.cal.com?x", "https://a b"),
        *("http://api.cal.com", "https://", "https://api.cal.com#x", "gopher://127.0.0.1", "file:///etc/passwd"),
    ],
)
def test_what_is_no_plain_address_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match="must") as wrong:
        base_url(url)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize("address", [*PRIVATE, "169.254.169.254", "[::ffff:10.0.0.1]"])
def test_a_private_base_url_needs_the_operators_word(address: str) -> None:
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    asked = {"EINMAL_CALCOM_BASE_URL": f"https://{host}"}
    with pytest.raises(BadSettings, match="EINMAL_CALCOM_ALLOW_PRIVATE"):
        read_settings(asked)
    allowed = read_settings(asked | {"EINMAL_CALCOM_ALLOW_PRIVATE": "true"})
    assert allowed.calcom_base_url == f"https://{host}"


def test_loopback_is_a_base_url_as_it_was() -> None:
    for url in ("http://127.0.0.1:8090", "http://localhost:8090", "http://[::1]:8090"):
        assert read_settings({"EINMAL_CALCOM_BASE_URL": url}).calcom_base_url == url


def test_news_goes_to_the_houses_own_networks_and_to_no_metadata() -> None:
    assert https("https://10.0.0.5/einmal") == "https://10.0.0.5/einmal"
    with pytest.raises(ValueError, match="link-local"):
        https("https://169.254.169.254/latest")


# When the connection is made


def wanted(method: str = "GET") -> WireRequest:
    now = time.monotonic()
    return WireRequest(method, "/v2/bookings", {}, b"", now + 20, now + 20)


async def failure(transport: AiohttpTransport, request: WireRequest | None = None) -> str:
    try:
        answer = await transport.send(request or wanted())
        return str(answer.status)
    except (NeverSent, MaybeSent) as why:
        return f"{type(why).__name__} {why.args[0]}"
    finally:
        await transport.close()


class Leads(aiohttp.abc.AbstractResolver):
    """A name server of an attacker's: another address each time it is asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        told = {"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0}
        return [{**told, "flags": socket.AI_NUMERICHOST}]

    async def close(self) -> None:
        return


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What every connector asks for addresses."""

    def lead(*addresses: str) -> None:
        leads = Leads(*addresses)
        monkeypatch.setattr(aiohttp.connector, "DefaultResolver", lambda *_, **__: leads)

    return lead


async def test_a_name_that_leads_home_is_not_followed(resolver: Callable[..., None]) -> None:
    """It is not the name that is looked at but the address, as the socket is made. Allowed, it is followed."""
    async with receiving() as inside:
        resolver("127.0.0.1")
        url = f"http://calcom.evil.test:{inside.port}"
        assert await failure(AiohttpTransport(url)) == "NeverSent out_of_reach"
        assert inside.arrived == []
        assert await failure(AiohttpTransport(url, allow_private=True)) == "201"
        assert len(inside.arrived) == 1


async def test_a_name_that_leads_elsewhere_the_second_time_is_not_followed(resolver: Callable[..., None]) -> None:
    """DNS rebinding: nothing stands between the look at the address and its use, so there is no second time."""
    async with receiving() as inside:
        resolver("203.0.113.1", "127.0.0.1")
        transport = AiohttpTransport(f"http://calcom.evil.test:{inside.port}")
        await asyncio.sleep(0)
        assert await failure(transport, wanted()) == "NeverSent out_of_reach"  # TEST-NET is no network of the world
        assert await failure(transport, wanted()) == "NeverSent out_of_reach"
        assert inside.arrived == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_control_a_base_url_of_this_machine_is_followed(host: str) -> None:
    async with receiving() as inside:
        assert await failure(AiohttpTransport(f"http://{host}:{inside.port}")) == "201"


@pytest.mark.parametrize("host", ["169.254.169.254", "10.255.255.1", "[fe80::1]", "[::ffff:169.254.169.254]"])
async def test_an_address_out_of_reach_gets_no_packet(host: str) -> None:
    assert await failure(AiohttpTransport(f"http://{host}")) == "NeverSent out_of_reach"


async def test_the_relay_keeps_to_the_same(resolver: Callable[..., None]) -> None:
    """What passes to Cal.com unread; whether it may go to this machine hangs on each house's base URL."""
    async with receiving() as inside:
        resolver("127.0.0.1")
        relay = Relay()
        with pytest.raises(NotRelayed) as never:
            await relay.send(f"http://calcom.evil.test:{inside.port}", "GET", "/v2/me", [], b"")
        assert never.value.args == (False,)
        answer, _ = await relay.send(inside.url, "GET", "/v2/me", [], b"")
        assert answer.status == 201
        answer.close()
        await relay.close()


async def test_news_goes_to_no_metadata_whatever_the_name(resolver: Callable[..., None]) -> None:
    resolver("169.254.169.254")
    posting = Posting()
    try:
        assert isinstance(await posting.post("https://hooks.evil.test/x", b"{}", {}), str)
    finally:
        await posting.close()
    with pytest.raises(OutOfReach):
        sockets_within(OPERATORS)((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("169.254.169.254", 80)))
    sockets_within(OPERATORS)((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80))).close()
    assert reach_of("https://api.cal.com", allow_private=False) == Reach()


# What answers


async def test_a_redirect_inside_is_not_followed() -> None:
    async with receiving() as inside, receiving() as outside:
        outside.react = says(302, Location=f"{inside.url}/latest/meta-data")
        assert await failure(AiohttpTransport(outside.url)) == "302"
        assert inside.arrived == []
        async with aiohttp.ClientSession() as follows, follows.get(outside.url) as answer:
            assert answer.status == 201, "control: a client that follows is led inside"
        assert len(inside.arrived) == 1


async def test_a_small_answer_that_unpacks_to_a_gibibyte_is_given_up() -> None:
    """Read in pieces, and no more than a mebibyte of what comes out. The control is one that fits."""
    for size, said in ((1024, "MaybeSent answer_too_large"), (1, "200")):
        packing = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = b"".join(packing.compress(b" " * (ANSWER_MAX_BYTES - 1)) for _ in range(size)) + packing.flush()

        async def bomb(_: web.Request, packed: bytes = packed) -> web.StreamResponse:
            return web.Response(body=packed, headers={"content-encoding": "gzip"})

        async with receiving() as server:
            server.react = bomb
            assert await failure(AiohttpTransport(server.url)) == said


async def test_an_answer_letter_by_letter_ends_with_the_deadline() -> None:
    """The deadline is of the whole, not of each piece."""

    async def drips(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    async with receiving() as server:
        server.react = drips
        now = time.monotonic()
        short = WireRequest("GET", "/v2/bookings", {}, b"", now + 0.4, now + 0.4)
        assert await failure(AiohttpTransport(server.url), short) == "MaybeSent timeout"


async def test_a_certificate_that_nobody_vouches_for_gets_nothing() -> None:
    """Not one byte of the request, whose head holds the key. The control is a client that does not look."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving_tls()).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        assert await failure(AiohttpTransport(url)) == "NeverSent tls"
        assert receiver.arrived == []
        blind = ssl.create_default_context()
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        async with aiohttp.ClientSession() as session, session.get(url, ssl=blind) as answer:
            assert answer.status == 201
    finally:
        await runner.cleanup()
