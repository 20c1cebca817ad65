"""Starts a private PostgreSQL: no server to install, no user to create, nobody else gets in.

It listens on a Unix socket in a folder of its own, or on loopback when the socket's path would be too long,
and asks for a random password either way.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from subprocess import TimeoutExpired
from types import TracebackType
from typing import Self
from urllib.parse import quote

from embedded import postgres_folder
from embedded.account import popen, server_account
from embedded.errors import FolderBusy, StartFailed
from embedded.postgres_binaries import Binaries, Source, find
from embedded.postgres_folder import Folder
from embedded.process import ServerProcess, free_port, guard, last_lines

START_TIMEOUT_S = 60  # recovery after a crash included
PORT_ATTEMPTS = 5
SUPERUSER = "postgres"
# Fast shutdown; then immediate, which loses nothing (the next start replays the log); then the kernel's.
STOP_STEPS = ((SIGINT, 20.0), (SIGQUIT, 5.0), (SIGKILL, 5.0))
LONGEST_SOCKET_PATH = 103  # bytes; 107 on Linux, 103 on macOS and the BSDs
SOCKET_PORT = 5432  # only names the socket file

ALWAYS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and key values of failed writes hold phone numbers and openids: they stay out of the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: the folder of its socket, or loopback when None."""

    socket_folder: Path | None
    port: int


@dataclass(frozen=True, slots=True)
class RunningPostgres:
    """A server that is ready. As a context manager it stops at the end of the block."""

    pid: int
    address: Address
    password: str = field(repr=False)
    process: ServerProcess | None = field(repr=False)

    @property
    def attached(self) -> bool:
        """Whether another process started the server; then `stop` leaves it running."""
        return self.process is None

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's URL for a database, as the superuser. It holds the password: do not log it."""
        start = f"postgresql+psycopg://{SUPERUSER}:{self.password}@"
        if self.address.socket_folder is None:
            return f"{start}127.0.0.1:{self.address.port}/{quote(database, safe='')}"
        folder = quote(str(self.address.socket_folder))
        return f"{start}/{quote(database, safe='')}?host={folder}&port={self.address.port}"

    def stop(self) -> None:
        """Shut the server down in bounded time, clients or not. May be called again."""
        if self.process is not None:
            self.process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    data_dir: Path,
    *,
    options: Mapping[str, str] | None = None,
    durable: bool = True,
    source: Source = "any",
) -> RunningPostgres:
    """Start the server of `data_dir`, made on first use, or attach to it when another process has it running.

    The server ends with the process that started it. An attached caller shares that fate, and its `options`
    and `source` have no effect.

    options: server settings (`{"max_connections": "200"}`). durable: False turns off what survives a crash of
    the machine; only for data that may be lost. source: where the programs come from.

    Raises: ServerNotFound, FolderUnusable, FolderBusy, StartFailed.
    """
    folder = postgres_folder.claim(data_dir, server_account(SUPERUSER))
    until = time.monotonic() + START_TIMEOUT_S
    while (lock := folder.lock()) is None:
        if (running := _attach(folder, durable=durable)) is not None:
            return running
        if time.monotonic() > until:
            raise FolderBusy(f"{folder.path} is in use by a server that is not ready or has lost its starter")
        time.sleep(0.05)
    try:
        folder.note_owner()
        binaries = find(source, folder.account, wanted_major=folder.major(), room=folder.path)
        if folder.major() is None:
            _initialise(folder, binaries, lock, durable=durable)
        folder.clear_stale_ids()
        settings = ALWAYS | ({} if durable else NOT_DURABLE) | dict(options or {})
        return _launch(folder, binaries, lock, settings)
    finally:
        os.close(lock)  # the server holds a copy


def remove(data_dir: Path) -> None:
    """Throw away the data of `data_dir`, wherever it was put.

    Raises: FolderBusy while a server runs on it; FolderUnusable when it is something else.
    """
    postgres_folder.remove(data_dir, server_account(SUPERUSER))


def _attach(folder: Folder, *, durable: bool) -> RunningPostgres | None:
    postmaster = folder.postmaster()
    if postmaster is None or not (postmaster.ready and folder.owner_alive() and postmaster.listens()):
        return None
    if durable and not folder.durable():
        raise FolderBusy(f"the server running on {folder.path} is not durable: stop it first")
    address = Address(postmaster.socket_folder, postmaster.port)
    return RunningPostgres(postmaster.pid, address, folder.password(), process=None)


def _initialise(folder: Folder, binaries: Binaries, lock: int, *, durable: bool) -> None:
    """Make the data beside its final place: a half-made folder is never mistaken for data."""
    half_made = folder.path / "data.half-made"
    if half_made.exists():
        shutil.rmtree(half_made)
    folder.sub_folder(half_made)
    command = [
        str(binaries.folder / "initdb"),
        *("-D", str(half_made), "-U", SUPERUSER, f"--pwfile={folder.new_password()}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums"),
        *([] if durable else ["--no-sync"]),
    ]
    with tempfile.TemporaryFile() as log:
        # initdb has the lock too: should we be killed, nobody else starts on its half-made data.
        process = popen(command, folder.account, log=log, pass_fds=[lock])
        try:
            failed = process.wait(START_TIMEOUT_S) != 0
        except TimeoutExpired:
            failed = True
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        if failed:
            raise StartFailed(f"initdb failed: {log.read().decode(errors='replace')[-500:]}")
    half_made.rename(folder.data)


def _launch(folder: Folder, binaries: Binaries, lock: int, settings: dict[str, str]) -> RunningPostgres:
    for attempt in range(1, PORT_ATTEMPTS + 1):
        address = _choose_address(folder)
        command = [str(binaries.folder / "postgres"), "-D", str(folder.data)]
        for name, value in (settings | _listening(address)).items():
            command += ["-c", f"{name}={value}"]
        with folder.log.open("wb") as log:
            folder.log.chmod(0o600)
            server = popen(command, folder.account, log=log, pass_fds=[lock])
        process = guard(server, STOP_STEPS)
        try:
            _wait_until_ready(folder, process)
        except BaseException as error:
            process.stop()
            taken = isinstance(error, StartFailed) and "Address already in use" in str(error)
            if not taken or attempt == PORT_ATTEMPTS:
                raise
        else:
            return RunningPostgres(process.pid, address, folder.password(), process)
    raise AssertionError("unreachable")


def _choose_address(folder: Folder) -> Address:
    """A socket is faster and has no port to lose; commas and colons in its path mean something to clients."""
    path = os.fsencode(folder.run / f".s.PGSQL.{SOCKET_PORT}")
    if len(path) > LONGEST_SOCKET_PATH or b"," in path or b":" in path:
        return Address(None, free_port())
    return Address(folder.sub_folder(folder.run), SOCKET_PORT)


def _listening(address: Address) -> dict[str, str]:
    if address.socket_folder is None:
        return {"listen_addresses": "127.0.0.1", "port": str(address.port), "unix_socket_directories": ""}
    # Quoted, because the setting is a list.
    quoted = '"' + str(address.socket_folder).replace('"', '""') + '"'
    return {"listen_addresses": "", "port": str(address.port), "unix_socket_directories": quoted}


def _wait_until_ready(folder: Folder, process: ServerProcess) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while True:
        postmaster = folder.postmaster()
        if postmaster is not None and postmaster.pid == process.pid and postmaster.ready:
            return
        if process.ended():
            raise StartFailed(f"PostgreSQL ended at once:\n{last_lines(folder.log)}")
        if time.monotonic() > until:
            raise StartFailed(f"PostgreSQL was not ready in {START_TIMEOUT_S} s:\n{last_lines(folder.log)}")
        time.sleep(0.01)
