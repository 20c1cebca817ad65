"""Is a port free? Asked before anything is started, so that the answer is a sentence and not a child's trace."""

import socket

from demo.errors import DemoError


def check(port: int, variable: str) -> None:
    """Raises `DemoError`, which names the variable to choose another one by."""
    with socket.socket() as probe:
        # As the servers do: a port that a former server has only just left counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(
                f"port {port} cannot be used ({error.strerror}); choose another: make demo {variable}={port + 10}",
                f"端口 {port} 无法使用（{error.strerror}）；请换一个：make demo {variable}={port + 10}",
            ) from None
