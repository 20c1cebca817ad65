"""The application server, started as in production: granian, 2 workers of 4 threads."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.process import free_port, guard, last_lines

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
BLOCKING_THREADS = 4
START_TIMEOUT_S = 60
#: Of a server of its own for crowds, as docs/operations.md has it.
CROWD_NICENESS, CROWD_THREADS = 10, 1
_STOP_STEPS = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True, kw_only=True)
class Server:
    port: int
    pid: int


@contextmanager
def serving(
    factory: str, environment: Mapping[str, str], log: Path, *, for_crowds: bool = False
) -> Iterator[Server]:
    """A server of `module:factory` on loopback for the length of the block; its log goes to a file.

    One `for_crowds` has fewer threads, and lets others on the machine go first.

    Raises RuntimeError with the end of the log when it does not come up.
    """
    port = free_port()
    command = [
        *(("nice", "-n", str(CROWD_NICENESS)) if for_crowds else ()),
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", factory),
        *("--host", "127.0.0.1", "--port", str(port), "--no-ws"),
        *(
            "--workers",
            str(WORKERS),
            "--blocking-threads",
            str(CROWD_THREADS if for_crowds else BLOCKING_THREADS),
        ),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    guarded = guard(process, _STOP_STEPS)
    try:
        _wait_until_ready(process, port, log)
        yield Server(port=port, pid=process.pid)
    finally:
        guarded.stop()
        _end_workers(process.pid)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/bench/hello", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not come up:\n{last_lines(log, 20)}") from None
            time.sleep(0.1)


def _end_workers(group: int) -> None:
    """Whatever outlived the main process: it started a session, so its id names them all."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
