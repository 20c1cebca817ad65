"""The few rules that a reader relies on without looking: where commits happen, and who reads the clock."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

SHIPPED = (
    "app", "web", "miniprogram_api", "pos_api", "office_api", "consoles", "commands", "demo", "scan_codes", "embedded",
    "wechat_sandbox", "migrations", "bench",
)  # fmt: skip


def sources(*folders: str, saying: str = "") -> Iterator[Path]:
    """The files that say so somewhere (a regular expression): the others need not be read closely."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if re.search(saying, path.read_text(encoding="utf-8")):
                yield path


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Everything in the file, read once."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def calls(path: Path) -> list[str]:
    """`x.y.z` of every call `x.y.z(…)` in the file."""
    return [dotted(node.func) for node in nodes(path) if isinstance(node, ast.Call)]


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    """What was read is millions of objects; nobody else needs them."""
    yield
    nodes.cache_clear()


def dotted(node: ast.AST) -> str:
    """`x.y.z`; what else it begins with stands for nothing that a rule names."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "…"


def test_only_the_transaction_commits() -> None:
    allowed = {"app/db.py", "commands/db.py"}  # the second sets up the connection for migrations
    product = ("app", "web", "miniprogram_api", "pos_api", "office_api", "consoles", "commands")
    for path in sources(*product, saying=r"\.commit\b"):
        assert name(path) in allowed or not any(call.endswith(".commit") for call in calls(path)), name(path)


def test_nobody_uses_the_session_of_a_request() -> None:
    for path in sources(*SHIPPED, saying=r"db\.(session|Model|db|paginate)\b"):
        used = {dotted(node) for node in nodes(path) if isinstance(node, ast.Attribute)}
        assert not used & {"db.session", "db.Model", "db.db.session", "db.paginate"}, name(path)


WALL_CLOCK = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns")


def test_only_the_clock_reads_the_wall_clock() -> None:
    """Everything else is told the time, so that a test can tell another one."""
    product = ("app", "web", "miniprogram_api", "pos_api", "office_api", "consoles", "scan_codes", "commands")
    for path in sources(*product, saying=r"\b(now|utcnow|today|time|time_ns)\("):
        if name(path) != "app/clock.py":
            read = [call for call in calls(path) if call.endswith(WALL_CLOCK)]
            assert read == [], name(path)


def test_the_database_is_told_the_time_as_well() -> None:
    """`now()` in a statement would be another clock, which no test can set."""
    for path in sources("app", saying=r"(?i)now\(\)|current_(date|timestamp)"):
        for node in nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "SELECT" in node.value:
                words = node.value.lower()
                assert not any(word in words for word in ("now()", "current_date", "current_timestamp")), (
                    name(path)
                )


def test_only_one_module_has_msgspec_check_types() -> None:
    """Two threads that show it a class for the first time at once end the process (app/typed.py)."""
    product = (
        "app",
        "web",
        "miniprogram_api",
        "pos_api",
        "office_api",
        "consoles",
        "commands",
        "wechat_sandbox",
    )
    for path in sources(*product, saying=r"\bmsgspec\b"):
        for node in nodes(path):
            if isinstance(node, ast.Call) and name(path) != "app/typed.py":
                typed = {word.arg for word in node.keywords} & {"type"} or len(node.args) > 1
                call = ast.unparse(node.func)
                assert call != "msgspec.convert", name(path)
                assert call != "msgspec.json.decode" or not typed, name(path)


def test_rules_know_no_flask() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


#: Files over 300 lines, and why.
LONG = {
    "wechat_sandbox": "a stand-in for a large interface, read by its documentation",
}


@pytest.mark.parametrize("folder", SHIPPED)
def test_no_file_grows_beyond_three_hundred_lines(folder: str) -> None:
    for path in sources(folder):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 300 or name(path) in LONG or folder in LONG, f"{name(path)}: {lines}"


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    names = {path.stem for path in sources(*SHIPPED)}
    assert not names & {"utils", "util", "helpers", "helper", "common", "core", "base", "misc", "managers"}
