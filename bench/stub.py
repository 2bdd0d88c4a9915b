"""A calendar that is never the bottleneck: every POST is a new booking of whoever asked, in Cal.com's shape.

A raw protocol on httptools and uvloop, in a process of its own. It keeps nothing but counts: how many bookings were
made and for how many different senders' ids, so that rows can be reconciled with them.

    python bench/stub.py --port 8091 [--latency 0.2]
    GET /control             {"posts": …, "different": …, "others": …}
    POST /control/empty      counts from nothing again
    POST /control/latency/0.2
"""

import argparse
import asyncio
import json
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final

import httptools
import uvloop

LENGTH: Final = timedelta(minutes=30)


class Counts:
    def __init__(self, latency_seconds: float) -> None:
        self.latency_seconds = latency_seconds
        self.made = 0
        self.ids: set[bytes] = set()
        """The metadata. Each sender names its bookings once in it; what is seen twice was booked twice."""
        self.empty()

    def empty(self) -> None:
        self.posts = self.others = 0
        self.ids.clear()

    def told(self) -> bytes:
        counts = {"posts": self.posts, "different": len(self.ids), "others": self.others}
        return _answer(b"200 OK", json.dumps(counts).encode())


class Calendar(asyncio.Protocol):
    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._body = b"", b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url, self._body = url, b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        counts = self._counts
        if self._url == b"/v2/bookings" and self._parser.get_method() == b"POST":
            answer = _booking(counts, self._body)
            if counts.latency_seconds:
                self._loop.call_later(counts.latency_seconds, self._transport.write, answer)
            else:
                self._transport.write(answer)
        elif self._url == b"/control":
            self._transport.write(counts.told())
        elif self._url == b"/control/empty":
            counts.empty()
            self._transport.write(counts.told())
        elif self._url.startswith(b"/control/latency/"):
            counts.latency_seconds = float(self._url.rpartition(b"/")[2])
            self._transport.write(counts.told())
        else:
            # A look-up for a booking, or for slots: nothing is lost here, so nothing needs to be found.
            counts.others += 1
            self._transport.write(_answer(b"200 OK", b'{"status":"success","data":[]}'))


_ASKED: Final = {
    name: re.compile(rb'"%s": ?(%s)' % (name.encode(), value))
    for name, value in (
        ("start", rb'"[^"]*"'),
        ("eventTypeId", rb"\d+"),
        ("attendee", rb"{[^}]*}"),
        ("name", rb'"[^"]*"'),
        ("email", rb'"[^"]*"'),
        ("metadata", rb"{[^}]*}"),
    )
}
"""What is needed of a request, taken as it stands: no name in this bench holds a brace or a quote."""

_BOOKED: Final = b"""\
{"status":"success","data":{"id":%d,"uid":"%022x","title":"Beratung","description":"",\
"hosts":[{"id":7,"name":"Anna","email":"anna@salon.test","username":"anna","timeZone":"Europe/Berlin"}],\
"status":"accepted","start":"%s","end":"%s","duration":30,\
"eventTypeId":%s,"eventType":{"id":%s,"slug":"beratung"},"location":"","absentHost":false,\
"createdAt":"%s","updatedAt":"%s","metadata":%s,"rating":null,"icsUid":"%022x@Cal.com",\
"attendees":[%s],"bookingFieldsResponses":{"name":%s,"email":%s,"guests":[]}}}"""


def _booking(counts: Counts, body: bytes) -> bytes:
    found = {name: pattern.search(body) for name, pattern in _ASKED.items()}
    asked = {name: one[1] for name, one in found.items() if one is not None}
    if len(asked) < len(_ASKED):
        return _answer(b"400 Bad Request", b'{"status":"error","error":{"code":"BadRequestException","message":"?"}}')
    counts.posts += 1
    counts.made += 1
    counts.ids.add(asked["metadata"])
    start = datetime.fromisoformat(asked["start"][1:-1].decode())
    times = [f"{at.isoformat()[:19]}.000Z".encode() for at in (start, start + LENGTH)]
    now = time.time()
    made_at = b"%s.%03dZ" % (_second(int(now)), now % 1 * 1000)
    number, event_type, who = counts.made, asked["eventTypeId"], (asked["attendee"], asked["name"], asked["email"])
    made = (number, number, *times, event_type, event_type, made_at, made_at, asked["metadata"], number, *who)
    return _answer(b"201 Created", _BOOKED % made)


def _answer(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nDate: %s\r\nContent-Length: %d\r\n\r\n%s"
    return head % (status, _date(int(time.time())), len(body), body)


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


@lru_cache(maxsize=2)
def _second(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19].encode()


async def serve(port: int, latency_seconds: float) -> None:
    counts = Counts(latency_seconds)
    server = await asyncio.get_running_loop().create_server(lambda: Calendar(counts), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each booking is answered")
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.latency))
