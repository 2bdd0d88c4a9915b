"""Ports of loopback that nobody has just now, for what is a process of its own and must be told one."""

import socket


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port
