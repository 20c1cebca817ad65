"""The processes that the demo starts: ready in bounded time, watched, and stopped together."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from urllib.parse import urlsplit

from demo.errors import DemoError
from embedded.process import ServerProcess, guard, last_lines

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60.0
#: Running requests and jobs may finish; a message to WeChat takes some seconds at worst.
STOP_STEPS = ((SIGTERM, 15.0), (SIGKILL, 5.0))
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass
class Child:
    """A running process. Should the launcher be killed, a watchdog ends it. `ready` tells whether it works yet."""

    name: str
    process: ServerProcess
    log: Path
    ready: Callable[[], bool]
    was_ready: bool = False

    def ended(self) -> bool:
        return self.process.ended()

    def ask_to_end(self) -> None:
        """First all are asked, then all are waited for."""
        if not self.ended():
            # One that is still starting has nothing to finish, and granian does not listen yet.
            self.process.server.send_signal(SIGTERM if self.was_ready else SIGKILL)

    def end(self) -> None:
        self.process.stop()
        try:
            # What it may have started itself; each child leads a process group.
            os.killpg(self.process.pid, SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


def start(
    name: str,
    module: Sequence[str],
    log: Path,
    *,
    ready: Callable[[], bool],
    settings: Mapping[str, str],
    stdin: str | None = None,
) -> Child:
    """Start a Python module of ours (`python -m …`); what it says goes to `log`.

    Its environment holds `settings` and nothing that the product could read otherwise. `stdin` is written to it, so
    that no secret stands in the list of processes.
    """
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env={**environment, "PYTHONUNBUFFERED": "1", **settings},
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for the launcher, which stops them in order
        )
    child = Child(name, guard(server, STOP_STEPS), log, ready)
    if stdin is not None:
        assert server.stdin is not None
        try:
            with server.stdin as pipe:
                pipe.write(stdin.encode())
        except BrokenPipeError:
            pass  # it has ended already, and its log says why
    return child


def wait_until_ready(child: Child) -> None:
    """Raises `DemoError` when the child ends, or takes too long."""
    until = time.monotonic() + READY_WITHIN_S
    while not child.ready():
        raise_if_ended(child)
        if time.monotonic() > until:
            raise DemoError(
                f"{child.name} was not ready in {READY_WITHIN_S:.0f} s; see {child.log}",
                f"{child.name} 未能在 {READY_WITHIN_S:.0f} 秒内就绪，请查看 {child.log}",
            )
        time.sleep(0.05)
    child.was_ready = True


def raise_if_ended(child: Child) -> None:
    """Raises `DemoError` with the last lines of the child's log."""
    if child.ended():
        raise DemoError(
            f"{child.name} ended by itself; the end of {child.log}:\n{last_lines(child.log)}",
            f"{child.name} 意外退出，其余进程随之停止；日志见 {child.log}",
        )


def end_all(running: Sequence[Child]) -> None:
    """End them side by side: one that takes its time holds up no other."""
    for child in running:
        child.ask_to_end()
    for child in running:
        child.end()


def answers(url: str) -> bool:
    """Whether a GET there is answered with 200."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.netloc, timeout=5)
    try:
        connection.request("GET", at.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
