"""The product as in production: granian's processes over a durable PostgreSQL, to be killed at will."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3

from embedded.process import ServerProcess, free_port, guard, last_lines

ROOT = Path(__file__).resolve().parents[3]
START_TIMEOUT_S = 60
WORKERS, THREADS = 2, 4
_STOP_STEPS = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


@dataclass
class Server:
    """granian on a port that stays the same however often it is started."""

    environment: Mapping[str, str]
    log: Path
    port: int
    process: ServerProcess | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers. Raises RuntimeError with the end of its log when it does not."""
        command = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "wsgi:create_app"),
            *("--host", "127.0.0.1", "--port", str(self.port), "--no-ws", "--workers", str(WORKERS)),
            *("--blocking-threads", str(THREADS), "--respawn-failed-workers", "--respawn-interval", "0.2"),
        ]
        with self.log.open("ab") as out:
            main = subprocess.Popen(
                command,
                cwd=ROOT,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.process = guard(main, _STOP_STEPS)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        until = time.monotonic() + START_TIMEOUT_S
        with urllib3.PoolManager(retries=False, timeout=2) as http:
            while True:
                try:
                    if http.request("GET", f"{self.address}/readyz").status == 200:
                        return
                except urllib3.exceptions.HTTPError:
                    pass
                if time.monotonic() > until:
                    raise RuntimeError(f"the server is not ready:\n{last_lines(self.log, 20)}")
                time.sleep(0.1)

    def workers(self) -> list[int]:
        """Process ids of the workers that live now, the oldest first."""
        assert self.process is not None
        return [pid for pid in _children(self.process.pid) if b"resource_tracker" not in _command(pid)]

    def kill_worker(self) -> None:
        """The oldest. granian takes a worker that dies twice within some seconds for hopeless and gives up."""
        os.kill(self.workers()[0], signal.SIGKILL)

    def kill_all(self) -> None:
        """The main process first, so that it has no chance to tell its workers; then they, who would go on."""
        assert self.process is not None
        main = self.process.pid
        os.kill(main, signal.SIGKILL)
        _kill_session(main)
        self.process.stop()

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            _kill_session(self.process.pid)


def a_server(environment: Mapping[str, str], log: Path) -> Server:
    return Server(environment=environment, log=log, port=free_port())


def _kill_session(session: int) -> None:
    """Its main process started a session of its own, so the id names whatever is left of it."""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        return


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name in parentheses may hold anything; what follows it is: state, parent, …
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if after_name[0] != "Z" and int(after_name[1]) == parent:
                found.append(int(entry.name))
    return sorted(found)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
