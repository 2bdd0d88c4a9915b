"""A cable between the nodes of a cluster that can be held and cut: what a standby receives of a leader goes through it.

Held, it lets nothing through: the standbys fall behind, as they do when a network fails in the minute before a machine
does. Cut, what was held is gone with the machine that sent it. Clients do not come this way.
"""

import asyncio
import contextlib


class Cable:
    """Leads to PostgreSQL on one node; `port` is where the other nodes find that node."""

    def __init__(self) -> None:
        self.port = 0
        self.upstream = 0
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._open = set[asyncio.StreamWriter]()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def hold(self) -> None:
        self._flows.clear()

    def cut(self) -> None:
        """End what goes through it, with all that was held. What is connected later flows."""
        for writer in list(self._open):
            writer.transport.abort()
        self._flows.set()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.sleep(0)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, to_there}
        self._open |= ends
        ways = [asyncio.create_task(self._way(reader, to_there)), asyncio.create_task(self._way(there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()
            for way in ways:
                way.cancel()

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                await self._flows.wait()
                if writer.transport.is_closing():
                    return
                writer.write(data)
                await writer.drain()
