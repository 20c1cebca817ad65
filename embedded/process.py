"""A server as a direct child: watched over, stopped in bounded time, and waited for."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from embedded import watchdog

log = logging.getLogger("embedded")

Steps = Sequence[tuple[Signals, float]]
"""Signals to stop a server with, mildest first, and the seconds to wait after each."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server and the watchdog that outlives the caller. Use `guard` to make one."""

    server: subprocess.Popen[bytes]
    guardian: subprocess.Popen[bytes] | None
    steps: Steps

    @property
    def pid(self) -> int:
        return self.server.pid

    def ended(self) -> bool:
        return self.server.poll() is not None

    def stop(self) -> None:
        """End the server, however long its clients hold on, and wait for it. May be called again."""
        for number, patience_s in self.steps:
            if self.ended():
                break
            self.server.send_signal(number)
            try:
                self.server.wait(patience_s)
            except subprocess.TimeoutExpired:
                log.warning("server %d did not end within %g s of %s", self.pid, patience_s, number.name)
        if self.guardian is not None:
            self.guardian.kill()
            self.guardian.wait()


def guard(server: subprocess.Popen[bytes], steps: Steps, leftover: Path | None = None) -> ServerProcess:
    """Put a watchdog beside a server just started; it removes `leftover` too when it has to act."""
    words = " ".join(f"{int(number)}:{patience_s}" for number, patience_s in steps)
    args = [str(os.getpid()), str(server.pid), words, "" if leftover is None else str(leftover)]
    try:
        guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        # A process that gave up its rights may no longer reach its own interpreter: better a server without
        # a watchdog than none.
        log.warning("no watchdog for server %d: %s", server.pid, error.strerror)
        return ServerProcess(server, None, steps)
    return ServerProcess(server, guardian, steps)


def free_port() -> int:
    """A loopback TCP port that is free now. Another program may take it first: callers try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def last_lines(path: Path, count: int = 5) -> str:
    """The end of a log, for an error text."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
