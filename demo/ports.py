"""Is a port free? Asked before anything is started, so that the answer is a sentence and not a child's trace."""

import socket

from demo.errors import DemoError

HIGHEST = 65_535


def check_different(port: int, sandbox_port: int) -> None:
    """Two servers cannot share one port. Raises `DemoError`."""
    if port == sandbox_port:
        raise DemoError(
            f"PORT and SANDBOX_PORT are both {port}; choose another: make demo SANDBOX_PORT={another(port)}",
            f"PORT 与 SANDBOX_PORT 不能同为 {port}；请换一个：make demo SANDBOX_PORT={another(port)}",
        )


def another(port: int) -> int:
    """One to suggest instead: always a port."""
    return port + 10 if port + 10 <= HIGHEST else port - 10


def check(port: int, variable: str) -> None:
    """Raises `DemoError`, which names the variable to choose another one by."""
    with socket.socket() as probe:
        # As the servers do: a port that a former server has only just left counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(
                f"port {port} cannot be used ({error.strerror}); choose another: make demo {variable}={another(port)}",
                f"端口 {port} 无法使用（{error.strerror}）；请换一个：make demo {variable}={another(port)}",
            ) from None
