"""Starts a private Redis (or Valkey) on loopback, with a random password and nothing kept on disk."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from types import TracebackType
from typing import Self

from embedded.account import Account, popen, reachable_folder, server_account
from embedded.errors import StartFailed
from embedded.process import ServerProcess, free_port, guard, last_lines
from embedded.redis_binary import Source, find

START_TIMEOUT_S = 20
PORT_ATTEMPTS = 5
STOP_STEPS = ((SIGTERM, 5.0), (SIGKILL, 5.0))


@dataclass(frozen=True, slots=True)
class RunningRedis:
    """A server that is ready. As a context manager it stops at the end of the block."""

    port: int
    folder: Path
    password: str = field(repr=False)
    process: ServerProcess = field(repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        """The URL of database 0. It holds the password: do not log it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        """Shut the server down in bounded time and remove its folder. May be called again."""
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(*, options: Mapping[str, str] | None = None, source: Source = "any") -> RunningRedis:
    """Start a new, empty server, which ends with the process that started it.

    options: lines of redis.conf (`{"maxmemory": "64mb"}`). source: where the program comes from.

    Raises: ServerNotFound, StartFailed.
    """
    account = server_account("redis")
    folder = Path(tempfile.mkdtemp(prefix="member-center-redis-", dir=reachable_folder(account)))
    try:
        _open_to(account, folder)
        program = find(source, account, room=folder)
        for attempt in range(1, PORT_ATTEMPTS + 1):
            try:
                return _launch(program, account, folder, options or {})
            except StartFailed as error:
                if "Address already in use" not in str(error) or attempt == PORT_ATTEMPTS:
                    raise
        raise AssertionError("unreachable")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _open_to(account: Account, folder: Path) -> None:
    """Let the account pass through the caller's folder, to a work folder of its own."""
    if account.switched:
        os.chown(folder, -1, account.gid)
        folder.chmod(0o710)
    work = folder / "work"
    work.mkdir(0o700)
    account.hand_over(work)


def _launch(program: Path, account: Account, folder: Path, options: Mapping[str, str]) -> RunningRedis:
    port, password = free_port(), secrets.token_urlsafe(32)
    settings = {"bind": "127.0.0.1", "port": str(port), "save": '""', "appendonly": "no"} | dict(options)
    settings["requirepass"] = password
    log_file = folder / "server.log"
    with log_file.open("wb") as log:
        # The settings go in by standard input: arguments can be read by every user of the machine.
        server = popen([str(program), "-"], account, log=log, stdin=subprocess.PIPE, cwd=folder / "work")
    process = guard(server, STOP_STEPS, leftover=folder)
    try:
        _configure(server, settings)
        _wait_until_ready(process, port, password, log_file)
    except BaseException:
        process.stop()
        raise
    return RunningRedis(port, folder, password, process)


def _configure(server: subprocess.Popen[bytes], settings: Mapping[str, str]) -> None:
    assert server.stdin is not None
    try:
        with server.stdin as config:
            config.write("".join(f"{name} {value}\n" for name, value in settings.items()).encode())
    except BrokenPipeError:
        return  # it ended already; its log says why


def _wait_until_ready(process: ServerProcess, port: int, password: str, log_file: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while not _answers(port, password):
        if process.ended():
            raise StartFailed(f"Redis ended at once:\n{last_lines(log_file)}")
        if time.monotonic() > until:
            raise StartFailed(f"Redis was not ready in {START_TIMEOUT_S} s:\n{last_lines(log_file)}")
        time.sleep(0.01)


def _answers(port: int, password: str) -> bool:
    """Whether the server on the port takes our password: another program's server would not."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return client.makefile("rb").read(12) == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False
