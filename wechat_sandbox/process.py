"""Starts a sandbox as a process of its own, for tests, the demo and benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from wechat_sandbox.server import READY


class SandboxDidNotStart(Exception):
    """The process ended, or said nothing in time; its own words are on standard error."""


@contextmanager
def start(config: Mapping[str, Any], *, port: int = 0, ready_within_s: float = 15.0) -> Iterator[str]:
    """Run a sandbox and yield its base URL, e.g. ``http://127.0.0.1:40123``; it ends with the block.

    ``config`` is what a configuration file holds (docs/sandbox.md); it travels over a pipe, so that no secret
    shows in the list of processes. Should the caller die, the sandbox ends too. Raises SandboxDidNotStart.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "wechat_sandbox", "--config", "-", "--until-stdin-closes", f"--port={port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(dict(config)) + "\n")
        process.stdin.flush()
        yield _ready_line(process.stdout, ready_within_s)
    finally:
        _stop(process)


def _ready_line(stdout: IO[str], within_s: float) -> str:
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
    reader.start()
    reader.join(within_s)
    if not lines or not lines[0].startswith(READY):
        raise SandboxDidNotStart
    return lines[0].removeprefix(READY).strip()


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=5)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
