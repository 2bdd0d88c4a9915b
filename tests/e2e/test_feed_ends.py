"""`einmal serve` with an open page: told to stop, it ends the page's stream itself, and does not wait for it."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp

from support.kill.processes import clean_environment, free_port

START_SECONDS = 30.0


async def test_a_page_that_is_open_ends_with_the_server(tmp_path: Path) -> None:
    """Its stream ends as a whole answer does. What is cut off when a server's patience is over is none, and is an error
    here."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "einmal", "serve"),
        cwd=tmp_path,
        env=clean_environment(EINMAL_PORT=str(port)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            assert await process.stdout.readuntil(b"is listening on")
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}/feed") as response,
        ):
            assert response.status == 200
            assert await response.content.readline() == b": the newest function calls\n"
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(START_SECONDS):
                await response.read()
        async with asyncio.timeout(START_SECONDS):
            out, err = await process.communicate()
        assert process.returncode == 0, (out, err)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
