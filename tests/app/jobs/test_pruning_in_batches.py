"""Pruning when there is a lot to forget: in small transactions, through an index, stopping when told to."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from app import clock, idempotency, work
from app.checkout import scan
from app.identity import login, sessions
from app.jobs import engine as jobs
from app.pruning import BATCH, always
from app.staff import sign_in
from app.staff.roles import Grant
from tests.conftest import rows
from tests.shop import Shop

OLD, YOUNG = 15_000, 10_000
YEAR = timedelta(days=365)

#: Rows `:first` to `:last`, whose time is over at `:at` or a little before.
FILL = {
    "idempotency_keys": """
        INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
        SELECT 'till', n, '', '{}', CAST(:at AS timestamptz) FROM numbers""",
    "scan_tickets": """
        , code AS (
            INSERT INTO code_uses (member_id, step, terminal_id, used_at)
            SELECT m.id, n, t.id, to_timestamp(n * 30) FROM members m, terminals t, generate_series(
                extract(epoch FROM CAST(:at AS timestamptz))::bigint / 30 - (:last - :first),
                extract(epoch FROM CAST(:at AS timestamptz))::bigint / 30) n
            RETURNING *)
        INSERT INTO scan_tickets (id, member_id, terminal_id, created_at, expires_at)
        SELECT step, member_id, terminal_id, used_at, used_at + interval '30 minutes' FROM code""",
    "login_codes": """
        INSERT INTO login_codes (code_hash, state, claimed_at, provider)
        SELECT int4send(n), 'claimed', CAST(:at AS timestamptz), 'telegram' FROM numbers""",
    "member_sessions": """
        INSERT INTO member_sessions (token_hash, member_id, created_at, expires_at)
        SELECT int4send(n), m.id, CAST(:at AS timestamptz), CAST(:at AS timestamptz) FROM numbers, members m""",
    "staff_sessions": """
        INSERT INTO staff_sessions (token_hash, staff_id, created_at, last_seen_at, expires_at)
        SELECT int4send(n), s.id, CAST(:at AS timestamptz), CAST(:at AS timestamptz), CAST(:at AS timestamptz)
        FROM numbers, staff s""",
    "procrastinate.procrastinate_jobs": """
        , job AS (
            INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, status)
            SELECT 'default', 'x', 'failed' FROM numbers RETURNING id)
        INSERT INTO procrastinate.procrastinate_events (job_id, type, at)
        SELECT id, 'failed', CAST(:at AS timestamptz) FROM job""",
}
FILL["code_uses"] = FILL["scan_tickets"]
_NUMBERS = "WITH numbers AS (SELECT generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n)"

Prune = Callable[[datetime, Callable[[], bool]], int]
#: What prunes each table: what is older than `before`.
PRUNERS: dict[str, Prune] = {
    "idempotency_keys": lambda before, go: idempotency.prune(before=before, keep_going=go),
    "scan_tickets": lambda before, go: scan.prune(before=before, keep_going=go),
    "code_uses": lambda before, go: scan.prune(before=before, keep_going=go),
    "login_codes": lambda before, go: login.prune(before=before, keep_going=go),
    "member_sessions": lambda before, go: sessions.prune(before=before, keep_going=go),
    "staff_sessions": lambda before, go: sign_in.prune(before=before, keep_going=go),
    "procrastinate.procrastinate_jobs": lambda before, go: jobs.prune(now=before, keep_going=go),
}


def fill(engine: Engine, shop: Shop, table: str) -> datetime:
    """As many old rows as young ones; what lies between them."""
    shop.member()
    shop.person("anna", Grant("clerk", shop.store.id))
    now = clock.now()
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL search_path TO public, procrastinate"))
        connection.execute(text(_NUMBERS + FILL[table]), {"first": 1, "last": OLD, "at": now - YEAR})
        connection.execute(
            text(_NUMBERS + FILL[table]), {"first": OLD + 1, "last": OLD + YOUNG, "at": now + YEAR}
        )
        connection.execute(text(f"ANALYZE {table}"))
    return now


def left(engine: Engine, table: str) -> int:
    found = rows(engine, f"SELECT count(*) FROM {table}")[0][0]
    assert isinstance(found, int)
    return found


@contextmanager
def deletes(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The DELETE statements that ran meanwhile, with what they were given."""
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.lstrip().startswith("DELETE"):
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def of(seen: list[tuple[str, Any]], table: str) -> list[tuple[str, Any]]:
    return [one for one in seen if re.search(rf"\b{table.rpartition('.')[2]}\b", one[0])]


#: Each kind is pruned by the same loop; two stand for all, one of them with a row that goes along.
_QUICK = ("scan_tickets", "staff_sessions")


@pytest.mark.parametrize(
    "table", [pytest.param(one, marks=() if one in _QUICK else pytest.mark.long) for one in FILL]
)
def test_old_rows_go_in_small_transactions_found_through_an_index_until_told_to_stop(
    shop: Shop, engine: Engine, table: str
) -> None:
    now = fill(engine, shop, table)
    before = left(engine, table)

    with deletes(engine) as seen:
        PRUNERS[table](now, lambda: len(of(seen, table)) < 2)
    assert left(engine, table) == before - 2 * BATCH

    statement, given = of(seen, table)[-1]
    with engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL search_path TO public, procrastinate")
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", given))
    assert "Seq Scan" not in plan
    assert "Index" in plan

    with deletes(engine) as seen:
        PRUNERS[table](now, always)
    assert left(engine, table) == before - OLD  # the young stay
    assert len(of(seen, table)) == OLD // BATCH - 1


def test_a_kind_that_cannot_be_pruned_keeps_no_other_from_its_turn_and_the_run_fails(
    shop: Shop, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    now = fill(engine, shop, "staff_sessions")
    before = left(engine, "staff_sessions")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE login_codes RENAME TO mislaid"))

    with caplog.at_level(logging.ERROR), pytest.raises(work.PruningFailed, match=r"^login_codes$"):
        work.prune(now)

    assert "pruning login_codes failed" in caplog.text
    assert left(engine, "staff_sessions") == before - OLD


def test_what_somebody_holds_is_left_for_the_next_run(shop: Shop, engine: Engine) -> None:
    now = fill(engine, shop, "login_codes")
    with engine.begin() as other:
        other.execute(text("SELECT FROM login_codes WHERE code_hash = int4send(1) FOR UPDATE"))
        assert login.prune(before=now) == OLD - 1
    assert login.prune(before=now) == 1
