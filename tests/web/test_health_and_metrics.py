"""What load balancers and Prometheus ask."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, create_engine, text

import wsgi
from app import db, settings
from commands import db as migrations
from commands.db import config
from tests.conftest import ROOT

TOKEN = {"Authorization": "Bearer metrics-token-of-the-tests"}


def test_everything_there_is_ready(app: Flask) -> None:
    given = app.test_client().get("/readyz")
    assert given.status_code == 200
    assert given.json == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok", "outbox": "ok"},
    }
    assert app.test_client().get("/healthz").json == {"status": "ok"}


def test_being_asked_again_reads_no_migration_file_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.test_client().get("/readyz")
    monkeypatch.setattr(migrations, "MIGRATIONS", Path("/nowhere"))
    assert app.test_client().get("/readyz").json["checks"]["migrations"] == "ok"


def test_without_the_database_it_is_alive_but_not_ready(app: Flask) -> None:
    nowhere = create_engine(
        "postgresql+psycopg://nobody@127.0.0.1:1/none", **{**db.engine_options(1), "pool_timeout": 1}
    )
    db.bind(nowhere)
    given = app.test_client().get("/readyz")
    assert given.status_code == 503
    words = {"database": "away", "migrations": "unknown", "redis": "ok", "outbox": "unknown"}
    assert given.json["checks"] == words
    assert app.test_client().get("/healthz").status_code == 200
    refused = app.test_client().get("/api/v1/me", headers={"Authorization": "Bearer " + "x" * 43})
    assert (refused.status_code, refused.json["code"]) == (503, "database_unavailable")
    assert refused.headers["Retry-After"] == "2"
    nowhere.dispose()


def test_without_redis_it_is_ready_and_says_so(
    given_settings: settings.Settings, unaudited_engine: Engine
) -> None:
    app = wsgi.create_app(replace(given_settings, redis_url="redis://127.0.0.1:1"))
    bare = wsgi.create_app(replace(given_settings, redis_url=None))
    db.bind(unaudited_engine)
    given = app.test_client().get("/readyz")
    assert (given.status_code, given.json["checks"]["redis"]) == (200, "degraded")
    assert bare.test_client().get("/readyz").json["checks"]["redis"] == "not configured"


def test_a_database_behind_the_code_is_not_served(app: Flask, unaudited_engine: Engine) -> None:
    first = ScriptDirectory.from_config(config()).get_base()
    for revision, status, word in (
        (first, 503, "behind"),
        (None, 503, "behind"),
        # The next version has migrated already while this one still serves: a rolling upgrade.
        ("9999_of_the_future", 200, "ahead"),
    ):
        with unaudited_engine.begin() as connection:
            connection.execute(text("DELETE FROM alembic_version"))
            if revision is not None:
                connection.execute(text("INSERT INTO alembic_version VALUES (:at)"), {"at": revision})
        given = app.test_client().get("/readyz")
        assert (given.status_code, given.json["checks"]["migrations"]) == (status, word)


def test_figures_are_for_whoever_holds_the_token(app: Flask, given_settings: settings.Settings) -> None:
    client = app.test_client()
    client.get("/api/v1/config")
    given = client.get("/metrics", headers=TOKEN)
    assert given.status_code == 200
    assert 'route="/api/v1/config",status="200"' in given.text
    assert list(text_string_to_metric_families(given.text))
    for wrong in (
        {},
        {"Authorization": "Bearer metrics-token-of-the-testz"},
        {"Authorization": "Bearer é" * 9},
    ):
        assert client.get("/metrics", headers=wrong).status_code == 401
    without = wsgi.create_app(replace(given_settings, metrics_token=None))
    assert without.test_client().get("/metrics", headers=TOKEN).status_code == 404


def test_nobody_makes_counters_by_inventing_words(app: Flask) -> None:
    client = app.test_client()
    for number in range(5):
        client.open(f"/invented-{number}", method=f"VERB{number}")
    figures = client.get("/metrics", headers=TOKEN).text
    assert "invented" not in figures
    assert "VERB" not in figures
    assert 'method="OTHER",route="(none)"' in figures


def test_several_processes_are_counted_together(tmp_path: Path) -> None:
    """Each worker writes to the folder; whichever is asked adds them up."""
    program = (
        "from web.metrics import observe, metrics\n"
        "import sys\n"
        "observe('GET', '/x', 200, 0.01)\n"
        "print(metrics().get_data(as_text=True)) if sys.argv[1] == 'tell' else None\n"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for argument in ("count", "count", "tell"):
        done = subprocess.run(
            [sys.executable, "-c", program, argument],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert 'member_center_request_seconds_count{method="GET",route="/x",status="200"} 3.0' in done.stdout
