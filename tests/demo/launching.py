"""Starts the demo as a user would, in a folder and on ports of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY, READY_WITHIN_S, STOPPED_WITHIN_S = "Ctrl-C", 90, 30
#: Enough for a history, few enough for a test.
MEMBERS = 4


@dataclass(frozen=True)
class Demo:
    """A running demo. `home` is where its user stands: the README's `var/demo` is there."""

    home: Path
    port: int
    sandbox_port: int
    process: subprocess.Popen[str]
    said: list[str]

    @property
    def data(self) -> Path:
        return data_of(self.home)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def stop(self, number: int = signal.SIGINT) -> int:
        """What Ctrl-C does; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOPPED_WITHIN_S)


def data_of(home: Path) -> Path:
    return home / "var" / "demo"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "demo", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@contextmanager
def demo_in(home: Path, *, port: int | None = None) -> Iterator[Demo]:
    """A demo that is ready; it is stopped at the end of the block, whatever happens in it."""
    port, sandbox_port = port or free_port(), free_port()
    words = [
        f"--data={data_of(home)}",
        f"--port={port}",
        f"--sandbox-port={sandbox_port}",
        f"--members={MEMBERS}",
    ]
    process = subprocess.Popen(
        command("start", *words),
        cwd=home,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    said: list[str] = []
    ready = threading.Event()
    reader = threading.Thread(target=_read, args=(process, said, ready), daemon=True)
    reader.start()
    demo = Demo(home, port, sandbox_port, process, said)
    try:
        assert ready.wait(READY_WITHIN_S), "".join(said)
        assert process.poll() is None, "".join(said)
        yield demo
    finally:
        try:
            demo.stop()
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        assert process.stdout is not None
        process.stdout.close()


def run_demo(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One call that ends by itself."""
    return subprocess.run(
        command(*words), cwd=home, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read(process: subprocess.Popen[str], said: list[str], ready: threading.Event) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if READY in line:
            ready.set()
    ready.set()
