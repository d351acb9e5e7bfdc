"""Ports for the servers of tests."""

from __future__ import annotations

import random
import socket

# Below the range from which systems give ports to kernels and outgoing connections, so that none of
# those takes a port between here and the server that is to listen on it.
SERVERS = range(15_000, 30_000)


def free_port() -> int:
    """A port of this machine nobody listens on."""
    while True:
        port = random.choice(SERVERS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
