"""The folder a private PostgreSQL lives in: where it is, whose it is, and who is using it now.

    server.lock   held by flock for as long as any process of the server lives
    owner         the process that started the server
    password      the superuser's, readable by the server's account alone
    server.log    of the running or last server
    run/          the socket
    data/         PostgreSQL's own

The lock is inherited by the server. So it falls with the last of its processes, whatever killed them, and a
process id that was given out again after a crash cannot be mistaken for a server.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from embedded.account import Account, can_reach, reachable_folder
from embedded.errors import FolderBusy, FolderUnusable
from embedded.watchdog import alive

LOCK = "server.lock"
CONNECT_TIMEOUT_S = 2


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What a server says of itself in its postmaster.pid, or said before it was killed."""

    pid: int
    port: int
    socket_folder: Path | None
    ready: bool

    def listens(self) -> bool:
        """Whether anything answers where this server should."""
        with socket.socket(socket.AF_UNIX if self.socket_folder else socket.AF_INET) as client:
            client.settimeout(CONNECT_TIMEOUT_S)
            try:
                if self.socket_folder:
                    client.connect(str(self.socket_folder / f".s.PGSQL.{self.port}"))
                else:
                    client.connect(("127.0.0.1", self.port))
            except OSError:
                return False
            return True


@dataclass(frozen=True, slots=True)
class Folder:
    """A claimed folder; see the module for what is in it."""

    path: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    def lock(self) -> int | None:
        """Take the lock; None while a server or another starter has it. Closing the number gives it back."""
        lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def note_owner(self) -> None:
        (self.path / "owner").write_text(str(os.getpid()))

    def owner_alive(self) -> bool:
        """Whether the starter still lives. If not, its server is about to be stopped: do not join it."""
        with suppress(OSError, ValueError):
            return alive(int((self.path / "owner").read_text()))
        return False

    def major(self) -> int | None:
        """The major version that made the data; None when there is none yet."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def postmaster(self) -> Postmaster | None:
        """The server as it describes itself; None when there was none, or it ended in order."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        # pid, data folder, start time, port, socket folder, address, shared memory, status
        if len(lines) < 5:
            return None
        socket_folder = Path(lines[4]) if lines[4].strip() else None
        ready = len(lines) > 7 and lines[7].startswith("ready")
        return Postmaster(int(lines[0]), int(lines[3]), socket_folder, ready)

    def clear_stale_ids(self) -> None:
        """Remove the process ids a killed server left behind, which may be another program's by now.

        PostgreSQL refuses to start while such an id is taken, even by the killed server itself when its
        parent has not waited for it yet. Only for the holder of the lock: then no server started here is
        alive, and one started by hand would listen.

        Raises: FolderBusy when one does.
        """
        left_behind = self.postmaster()
        if left_behind is not None and left_behind.listens():
            raise FolderBusy(f"a server that was started by hand is running on {self.data}: stop it first")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for left_over in self.run.glob(".s.PGSQL.*"):
            left_over.unlink(missing_ok=True)

    def durable(self) -> bool:
        """Whether the running server writes through to the disk, by the options it was started with."""
        return "fsync=off" not in (self.data / "postmaster.opts").read_text()

    def password(self) -> str:
        """Raises: FolderUnusable when it is lost."""
        try:
            return (self.path / "password").read_text()
        except FileNotFoundError as error:
            raise FolderUnusable(
                f"the password of the data in {self.path} is lost: make demo-reset"
            ) from error

    def new_password(self) -> Path:
        """Write a fresh password and return its file."""
        file = self.path / "password"
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as out:
            self.account.hand_over(descriptor)
            out.write(secrets.token_urlsafe(32))
        return file

    def sub_folder(self, path: Path) -> Path:
        """Make a folder of the server's own, unless it is there."""
        with suppress(FileExistsError):
            path.mkdir(0o700)
            self.account.hand_over(path)
        return path


def claim(wanted: Path, account: Account) -> Folder:
    """Make or take the folder for `wanted`, for this user alone.

    Raises: FolderUnusable when it belongs to another user or holds something else.
    """
    wanted = wanted.expanduser().resolve()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    return take(place_of(wanted, account), account)


def take(path: Path, account: Account) -> Folder:
    """Make or take exactly this folder, which may lie where every user can write. Raises: as `claim`."""
    with suppress(FileExistsError):
        path.mkdir(0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise FolderUnusable(
            f"{path} belongs to another user: choose another folder, or make demo-reset as them"
        )
    if not (path / LOCK).exists() and any(path.iterdir()):
        raise FolderUnusable(f"{path} is not empty and no data folder of an embedded server: choose another")
    if account.switched:
        # Root's own: the account may pass through, but not swap the files root writes here.
        os.chown(path, -1, account.gid)
    path.chmod(0o710 if account.switched else 0o700)
    return Folder(path, account)


def place_of(wanted: Path, account: Account) -> Path:
    """Where the data asked to be at `wanted` really is: there, unless the account cannot get there.

    Then it is in a folder for temporary files, under a name that depends on `wanted` alone. No right of an
    existing folder is widened.
    """
    wanted = wanted.expanduser().resolve()
    nearest = next(parent for parent in wanted.parents if parent.exists())
    if not account.switched or can_reach(nearest, account):
        return wanted
    name = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    return reachable_folder(account) / f"member-center-{os.geteuid()}-{name}"


def remove(wanted: Path, account: Account) -> None:
    """Throw away the server's data, if there is any.

    Raises: FolderBusy while a server runs on it; FolderUnusable when it is something else.
    """
    if not place_of(wanted, account).exists():
        return
    folder = claim(wanted, account)
    lock = folder.lock()
    if lock is None:
        raise FolderBusy(f"a server is running on {folder.path}: stop it first")
    try:
        shutil.rmtree(folder.path)
    finally:
        os.close(lock)
