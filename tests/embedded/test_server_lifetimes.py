"""What is left when something is killed: nothing that lingers, nothing that bars the next start."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from embedded import postgres
from embedded.account import popen, server_account
from embedded.errors import FolderBusy
from embedded.postgres_folder import place_of
from embedded.watchdog import alive

Ask = Callable[[str, str], object]
Hold = Callable[..., Any]

BOUND_S = 60


def wait_for(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + BOUND_S
    while not happened():
        assert time.monotonic() < until, f"not within {BOUND_S} s"
        time.sleep(0.05)


def kill_unnoticed(child: int) -> None:
    """Kill -9, and leave the dead process in the table: its id is still taken, as a busy parent would leave it."""
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def test_a_killed_starter_leaves_no_server_and_the_next_start_is_not_joined_to_it(
    made_dir: Path, hold: Hold, ask: Ask
) -> None:
    holder = hold("postgres", str(made_dir), "any")
    with psycopg.connect(holder.url.replace("+psycopg", "")) as client:
        kill_unnoticed(holder.process.pid)
        with postgres.start(made_dir, durable=False) as server:  # waits for the old one to go
            assert not server.attached
            assert server.pid != holder.pid
            assert ask(server.url(), "SELECT 1") == 1
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")


def test_another_process_is_joined_while_it_lives(made_dir: Path, hold: Hold, ask: Ask) -> None:
    holder = hold("postgres", str(made_dir), "any")
    with postgres.start(made_dir, durable=False) as server:
        assert (server.attached, server.pid, server.url()) == (True, holder.pid, holder.url)
    assert ask(holder.url, "SELECT 1") == 1


def test_a_killed_server_is_started_again_with_all_it_confirmed(made_dir: Path, ask: Ask) -> None:
    with postgres.start(made_dir) as server:
        ask(server.url(), "CREATE TABLE sale AS SELECT 1234 AS amount_fen")
        kill_unnoticed(server.pid)
        with postgres.start(made_dir) as again:
            assert not again.attached
            assert ask(again.url(), "SELECT amount_fen FROM sale") == 1234


def left_behind(home: Path, pid: int) -> Path:
    """The postmaster.pid and the lock of the socket as a killed server leaves them, with this process id."""
    (home / "run" / ".s.PGSQL.5432.lock").write_text(f"{pid}\n{home / 'data'}\n")
    lines = [str(pid), str(home / "data"), "1700000000", "5432", str(home / "run"), "", "0 0", "ready"]
    file = home / "data" / "postmaster.pid"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_process_id_given_out_again_after_a_crash_does_not_bar_the_start(made_dir: Path, ask: Ask) -> None:
    account = server_account("postgres")
    # A living process of the server's own user: PostgreSQL alone would take it for its postmaster.
    bystander = popen(["/bin/sleep", "60"], account, log=subprocess.DEVNULL)
    try:
        left_behind(place_of(made_dir, account), bystander.pid)
        with postgres.start(made_dir, durable=False) as server:
            assert ask(server.url(), "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_someone_started_by_hand_is_not_disturbed(made_dir: Path) -> None:
    home = place_of(made_dir, server_account("postgres"))
    with socket.socket(socket.AF_UNIX) as by_hand:
        socket_file = home / "run" / ".s.PGSQL.5432"
        by_hand.bind(str(socket_file))
        by_hand.listen()
        pid_file = left_behind(home, os.getpid())
        try:
            with pytest.raises(FolderBusy, match="by hand"):
                postgres.start(made_dir, durable=False)
            assert pid_file.exists()
        finally:
            pid_file.unlink()
            socket_file.unlink()


def test_data_half_made_by_a_killed_start_are_made_anew(made_dir: Path, ask: Ask) -> None:
    home = place_of(made_dir, server_account("postgres"))
    (home / "data").rename(home / "data.half-made")
    with postgres.start(made_dir, durable=False) as server:
        assert ask(server.url(), "SELECT 1") == 1
    assert not (home / "data.half-made").exists()


@pytest.mark.parametrize("source", ["any", "wheel"])
def test_an_ordinary_user_needs_no_rights(ordinary: Any, source: str, hold: Hold, ask: Ask) -> None:
    folder = ordinary.folder / f"data of {source}"
    holder = hold(
        "postgres", str(folder), source, python=ordinary.python, code=ordinary.folder, user=ordinary.user
    )
    assert ask(holder.url, "SELECT 1") == 1
    assert holder.uid != 0
    assert (folder / "data" / "postmaster.pid").stat().st_uid == holder.uid
    holder.process.kill()
    wait_for(lambda: not alive(holder.pid))


def test_a_server_on_the_command_line_ends_with_ctrl_c(made_dir: Path, ask: Ask) -> None:
    command = [sys.executable, "-m", "embedded", "postgres", "--data", str(made_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        assert ask(url, "SHOW fsync") == "on"
        running.send_signal(signal.SIGINT)
        assert running.wait(BOUND_S) == 0
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")
