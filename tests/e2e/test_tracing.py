"""`einmal serve` with a collector: a call's trace arrives there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from e2e.test_commands import BODY, ask, free_port, running
from support.canary import CANARY

PATH = "/api/retell/collect-appointment"


@contextmanager
def collector() -> Iterator[tuple[str, dict[str, set[str]]]]:
    """Its address, and the names of the spans that it was sent, by trace."""
    taken: dict[str, set[str]] = {}

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = ExportTraceServiceRequest.FromString(body)
            CANARY.hear("OTLP", str(told))
            for one in told.resource_spans:
                for span in (span for scope in one.scope_spans for span in scope.spans):
                    taken.setdefault(span.trace_id.hex(), set()).add(span.name)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_calls_trace_reaches_the_collector(tmp_path: Path) -> None:
    """What is left when the gateway is told to stop, too."""
    port = free_port()
    with collector() as (url, taken):
        with running("serve", folder=tmp_path, until="curl", EINMAL_PORT=str(port), EINMAL_TRACES_URL=url):
            assert ask(f"http://127.0.0.1:{port}{PATH}", BODY)["status"] == "booked"
        (names,) = taken.values()
    assert {"collect", "attempt", "calendar create", "ledger write"} <= names
