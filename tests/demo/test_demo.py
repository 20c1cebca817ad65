"""`make demo` as its user meets it: what it prints, a second start, wrong starts, and stopping."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from embedded import postgres_folder
from embedded.account import server_account
from tests.demo.launching import ROOT, Demo, command, data_of, demo_in, environment, free_port, run_demo
from tests.messaging import until


def _status(url: str) -> int:
    """What a browser meets there; the till sends it on to the sign-in page."""
    with urlopen(url, timeout=60) as answer:
        return int(answer.status)


def _family(demo: Demo) -> dict[int, str]:
    """The launcher's processes, their processes and so on, by id, with what they run."""
    listed = subprocess.run(
        ["ps", "-Ao", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    family: dict[int, str] = {}
    generation = {demo.process.pid}
    while generation:
        found = {int(row[0]): row[2] for row in rows if int(row[1]) in generation}
        family |= found
        generation = set(found)
    return family


def _alive(family: dict[int, str]) -> dict[int, str]:
    """Those that still run the same."""
    listed = subprocess.run(["ps", "-Ao", "pid=,args="], capture_output=True, text=True, check=True).stdout
    running = {int(row[0]): row[1] for line in listed.splitlines() if len(row := line.split(maxsplit=1)) == 2}
    return {pid: args for pid, args in family.items() if running.get(pid) == args}


def _data_of_postgres(home: Path) -> Path:
    """Not always below the folder: root's PostgreSQL runs as a user that may not get there."""
    return postgres_folder.place_of(data_of(home) / "postgres", server_account("postgres"))


def test_every_address_it_prints_answers(demo: Demo) -> None:
    addresses = re.findall(r"http://\S+", "".join(demo.said))

    assert f"{demo.url}/till/?store=S001&terminal=T1" in addresses
    assert f"{demo.url}/preview/?user=alice" in addresses
    assert f"{demo.sandbox}/" in addresses
    assert f"{demo.url}/docs" in addresses
    assert {address: _status(address) for address in addresses} == dict.fromkeys(addresses, 200)


def test_it_prints_logins_and_the_api_key_and_keeps_them_to_itself(demo: Demo) -> None:
    said = "".join(demo.said)
    kept = json.loads((demo.data / "secrets.json").read_text())

    for word in ("clerk", "marketer", "manager", "admin", kept["password"], kept["till_keys"]["S001/T1"]):
        assert word in said
    for file in (
        "secrets.json",
        "demo.env",
        "web.log",
        "worker.log",
        "sandbox.log",
        "running.json",
        "settings.json",
    ):
        assert (demo.data / file).stat().st_mode & 0o777 == 0o600


def test_an_operator_s_command_works_on_it(demo: Demo) -> None:
    asked = command("--data", str(demo.data), "flask", "policies", "show")
    told = subprocess.run(
        asked, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "settlement\tversion 0" in told.stdout


def test_no_secret_stands_in_a_log(demo: Demo) -> None:
    kept = json.loads((demo.data / "secrets.json").read_text())
    secrets = [
        *kept.pop("till_keys").values(),
        *(value for name, value in kept.items() if name != "wechat_app_id"),
    ]
    logs = "".join((demo.data / f"{name}.log").read_text() for name in ("web", "worker", "sandbox"))

    assert [secret for secret in secrets if secret in logs] == []


def test_a_second_start_says_that_it_runs_and_prints_the_same(demo: Demo) -> None:
    again = run_demo(demo.home, "start", f"--data={demo.data}")

    assert again.returncode == 0
    assert "已在运行" in again.stdout
    told, told_again = (
        said.partition("The Member Center demo is running")[2].strip().splitlines()
        for said in ("".join(demo.said), again.stdout)
    )
    assert told_again[:-1] == told[:-1]
    assert told[-1].startswith("Ctrl-C")
    assert "in the terminal where it was started" in told_again[-1]  # here it would stop nothing


def test_the_data_of_a_running_demo_are_not_thrown_away(demo: Demo) -> None:
    refused = run_demo(demo.home, "reset", f"--data={demo.data}")

    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    assert _status(f"{demo.url}/readyz") == 200


@pytest.mark.parametrize("variable", ["PORT", "SANDBOX_PORT"])
def test_a_taken_port_is_named_before_anything_starts(home: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = {"PORT": free_port(), "SANDBOX_PORT": free_port(), variable: taken}
        refused = run_demo(
            home,
            "start",
            f"--data={data_of(home)}",
            f"--port={ports['PORT']}",
            f"--sandbox-port={ports['SANDBOX_PORT']}",
        )

    assert refused.returncode == 1
    assert f"port {taken} cannot be used" in refused.stderr
    assert f"make demo {variable}=" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not _data_of_postgres(home).exists()


def test_one_port_for_both_servers_is_refused_before_anything_starts(home: Path) -> None:
    refused = run_demo(home, "start", f"--data={data_of(home)}", "--port=65530", "--sandbox-port=65530")

    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "PORT 与 SANDBOX_PORT 不能同为 65530；请换一个：make demo SANDBOX_PORT=65520",
        "PORT and SANDBOX_PORT are both 65530; choose another: make demo SANDBOX_PORT=65520",
    ]
    assert not data_of(home).exists()


@pytest.mark.parametrize(
    "port", ["65536", "８０００", *(pytest.param(one, marks=pytest.mark.long) for one in ("abc", "0", ""))]
)
def test_what_is_no_port_is_said_so_in_both_languages(
    home: Path, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    monkeypatch.setenv("PORT", port)
    refused = run_demo(home, "start", f"--data={data_of(home)}")

    assert refused.returncode == 2
    assert "不是端口号" in refused.stderr
    assert "is not a port" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.long
def test_it_keeps_its_data_names_a_child_that_died_and_stops_cleanly(home: Path) -> None:
    with demo_in(home) as first:
        kept = json.loads((first.data / "secrets.json").read_text())
        family = _family(first)
        assert first.stop() == 0
    assert len(family) >= 8  # database, cache, sandbox, web server and its process, worker, and watchdogs
    assert _alive(family) == {}
    assert not (data_of(home) / "running.json").exists()
    assert _data_of_postgres(home).exists()

    with demo_in(home, port=first.port) as second:
        assert "Making up shops" not in "".join(second.said)
        assert json.loads((second.data / "secrets.json").read_text()) == kept
        family = _family(second)
        [cache] = [
            pid for pid, args in family.items() if args.startswith(("redis-server", "/")) and "redis" in args
        ]
        os.kill(cache, signal.SIGKILL)
        until(lambda: "all goes on without it" in "".join(second.said))
        assert _status(f"{second.url}/healthz") == 200
        [worker] = [pid for pid, args in family.items() if args.endswith("flask --app=wsgi worker")]
        os.kill(worker, signal.SIGKILL)
        assert second.process.wait(30) == 1
    assert "worker ended by itself" in "".join(second.said)
    assert _alive(family) == {}

    assert run_demo(home, "reset", f"--data={data_of(home)}").returncode == 0
    assert not _data_of_postgres(home).exists()
    assert [file.name for file in data_of(home).iterdir()] == ["lock"]


def test_a_reset_leaves_foreign_files_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    assert run_demo(tmp_path, "reset", f"--data={tmp_path}").returncode == 0
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.long
def test_the_openapi_document_needs_no_database(tmp_path: Path) -> None:
    document = run_demo(tmp_path, "openapi")

    assert document.returncode == 0
    assert document.stderr == ""
    assert "/pos/v1/scans" in json.loads(document.stdout)["paths"]


def test_an_environment_that_was_left_half_made_is_made_anew(tmp_path: Path) -> None:
    """As an interrupted start leaves it, or a Debian whose python3-venv is missing."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    (tmp_path / "requirements.lock").touch()
    half_made = tmp_path / ".venv" / "bin" / "python"
    half_made.parent.mkdir(parents=True)
    half_made.write_text("#!/bin/sh\necho 'No module named pip' >&2; exit 1\n")
    half_made.chmod(0o755)
    whole = tmp_path / "python3"
    whole.write_text(
        '#!/bin/sh\ncase "$*" in "-m venv --clear .venv") printf "#!/bin/sh\\nexit 0\\n" > .venv/bin/python;; esac\n'
    )
    whole.chmod(0o755)
    command = ["make", f"PYTHON={whole}", ".venv/.runtime"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    whole.write_text('#!/bin/sh\ntest "$1" = -c\n')
    half_made.write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / ".venv" / ".runtime").unlink()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "python3-venv" in done.stderr


def test_make_knows_the_demo() -> None:
    for target, words in {
        "demo": "-m demo",
        "demo-reset": "-m demo reset",
        "openapi": "-m demo openapi",
    }.items():
        dry_run = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True)
        assert words in dry_run.stdout
