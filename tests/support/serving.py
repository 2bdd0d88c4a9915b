"""An application that listens on loopback while a test runs, in the test's own loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn


class Quiet(uvicorn.Server):
    """Signals are the test runner's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def served(app: Any, http: Any = "auto") -> AsyncIterator[str]:
    """The application on a free port of loopback; its address. `http`: which parser it reads with."""
    off: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "lifespan": "off",
        "ws": "none",
        "date_header": False,
    }
    config = uvicorn.Config(app, port=0, http=http, **off)
    server = Quiet(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True  # a page may keep an event stream open
        await task
