"""The demo's folder (`var/demo`): what lies in it, who runs on it, and how it is thrown away."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from demo.errors import DemoError
from demo.places import Places
from embedded import postgres

_LOGS = ("web", "worker", "sandbox")


class Occupied(Exception):
    """Another launcher runs on the folder. `places` is None while that one is still starting."""

    def __init__(self, places: Places | None) -> None:
        self.places = places


class Folder:
    """Files here hold keys and passwords: only their owner may read them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.secrets = path / "secrets.json"
        self.env = path / "demo.env"
        self.postgres = path / "postgres"
        self._lock = path / "lock"
        self._running = path / "running.json"
        self._settings = path / "settings.json"

    def log(self, name: str) -> Path:
        return self.path / f"{name}.log"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only launcher on this folder, which is made if need be. Raises `Occupied`, `DemoError`."""
        try:
            # Others may pass through: PostgreSQL runs as a user of its own when root starts the demo.
            self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DemoError(
                f"{self.path} cannot be used ({error.strerror}): it may belong to another user",
                f"无法使用 {self.path}（{error.strerror}）：它可能属于另一个用户",
            ) from None
        try:
            # Held by the open file, not by its name: it is free again however the launcher ended.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Occupied(self._places()) from None
        try:
            self._forget_running()
            yield
        finally:
            self._forget_running()
            os.close(lock)

    def note_running(self, places: Places, settings: Mapping[str, str]) -> None:
        """Tell a second launcher where things are, and operators' commands the settings."""
        write_private(self._settings, json.dumps(dict(settings)))
        write_private(self._running, json.dumps(asdict(places)))

    def settings_of_running(self) -> dict[str, str] | None:
        """Those of the demo that runs on this folder; None if there is none."""
        try:
            found: dict[str, str] = json.loads(self._settings.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if self._places() else None

    def _forget_running(self) -> None:
        self._running.unlink(missing_ok=True)
        self._settings.unlink(missing_ok=True)

    def empty(self) -> None:
        """Throw away what the demo made, and nothing else. Raises `EmbeddedError`; needs `held`."""
        postgres.remove(self.postgres)  # not asked whether it exists: for root the data may lie elsewhere
        for file in (self.secrets, self.env, *map(self.log, _LOGS)):
            file.unlink(missing_ok=True)

    def _places(self) -> Places | None:
        try:
            return Places(**json.loads(self._running.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def write_private(file: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all."""
    half_made = file.with_name(f"{file.name}.half-made")
    half_made.unlink(missing_ok=True)
    with os.fdopen(
        os.open(half_made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as out:
        out.write(text)
    half_made.replace(file)
