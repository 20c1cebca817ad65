"""Who a server runs as: for root an unprivileged system user, for anyone else themselves.

PostgreSQL refuses to run as root. Nothing here creates users or widens the rights of a folder that exists.
"""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from embedded.errors import EmbeddedError, FolderUnusable

PROBE_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group of a server; `switched` when that is not the caller's own."""

    uid: int
    gid: int
    switched: bool

    def hand_over(self, path: Path | int) -> None:
        """Make the account the owner of a file or folder (or open file) that the caller has just created."""
        if self.switched:
            os.chown(path, self.uid, self.gid)


def server_account(preferred: str) -> Account:
    """The account for a server: the caller's own, or for root `preferred` if it exists, else `nobody`.

    Raises: EmbeddedError when root finds neither.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switched=False)
    for name in (preferred, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, switched=True)
    raise EmbeddedError(f"neither the user {preferred} nor nobody exists: run as an ordinary user")


def popen(
    args: Sequence[str],
    account: Account,
    *,
    log: int | IO[bytes],
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    cwd: Path = Path("/"),
) -> subprocess.Popen[bytes]:
    """Start a program as `account`, with a bare environment, in a session of its own.

    The environment is not the caller's: that one may hold secrets and `PG*` settings. The session keeps
    Ctrl-C in a terminal from reaching the server before its users have finished.

    Raises: EmbeddedError when the program cannot be executed or the account not be taken on.
    """
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    if "LD_LIBRARY_PATH" in os.environ:
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    try:
        return subprocess.Popen(
            args,
            stdin=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account.switched else None,
            group=account.gid if account.switched else None,
            extra_groups=[] if account.switched else None,
        )
    except OSError as error:
        raise EmbeddedError(f"cannot run {args[0]} as user id {account.uid}: {error.strerror}") from error


def output_of(args: Sequence[str], account: Account) -> str | None:
    """What a short program prints when `account` runs it; None when it cannot, fails or takes too long."""
    with tempfile.TemporaryFile() as out:
        try:
            process = popen(args, account, log=out)
        except EmbeddedError:
            return None
        try:
            failed = process.wait(PROBE_TIMEOUT_S) != 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            failed = True
        out.seek(0)
        return None if failed else out.read().decode(errors="replace")


def can_reach(folder: Path, account: Account) -> bool:
    """Whether the account can get into the folder. Tried, not worked out from modes: ACLs count too."""
    return output_of(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], account) is not None


def reachable_folder(account: Account) -> Path:
    """A folder for temporary files that the account can get into.

    `/var/tmp` first: it survives a restart of the machine. Raises: FolderUnusable when there is none.
    """
    for folder in (Path("/var/tmp"), Path("/tmp"), Path(tempfile.gettempdir())):  # noqa: S108
        if can_reach(folder, account):
            return folder
    raise FolderUnusable("no folder for temporary files can be reached by the server's user")
