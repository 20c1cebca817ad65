"""Coupons that the benchmark lays in are the product's, and what is made of them is sound (the fixture asks)."""

import os

import pytest
from flask import Flask
from sqlalchemy import Engine, make_url

from bench import claims, pgbench
from bench.claims import ClaimRequests, Counter, check_flash
from bench.figures import BooksUnsound
from bench.requests import Operation
from bench.stock import in_bulk, lay_in
from tests.conftest import rows


@pytest.fixture
def counter(app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(claims, "WALLETS", 2)
    return claims.lay_in(engine, lay_in(engine, members=4, tickets=0))


def send(app: Flask, operation: Operation) -> tuple[int, dict[str, object]]:
    """A prepared request, through the app's own client."""
    head, _, body = operation[0].partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    method, path, _ = first.split()
    headers = dict(field.split(": ", 1) for field in fields)
    answer = app.test_client().open(path, method=method, data=body, headers=headers)
    return answer.status_code, dict(answer.json or {})


@pytest.mark.long
def test_claims_are_granted_or_refused_and_wallets_are_full(app: Flask, counter: Counter) -> None:
    requests = ClaimRequests(counter)
    assert [send(app, one)[0] for one in requests.claims(6)] == [201] * 6
    assert {send(app, one)[1]["code"] for one in requests.refused()} == {"coupons_used_up"}
    for wallet in requests.wallets():
        status, body = send(app, wallet)
        items = body["items"]
        assert isinstance(items, list)
        assert (status, len(items), len({one["template_id"] for one in items})) == (200, 200, 30)


@pytest.mark.long
def test_a_crowd_is_counted(app: Flask, counter: Counter, engine: Engine) -> None:
    with in_bulk(engine) as connection:
        template_id, _ = claims.template(connection, 2, per_member=1)
    statuses = [send(app, (one,))[0] for one in ClaimRequests(counter).burst(template_id, 4)]
    assert sorted(statuses) == [201, 201, 409, 409]
    check_flash(engine, template_id, 2, told={"claimed": 2, "used up": 2})
    with pytest.raises(BooksUnsound):
        check_flash(engine, template_id, 2, told={"claimed": 3, "used up": 1})
    with pytest.raises(BooksUnsound):
        check_flash(engine, counter.empty, 2, told={"claimed": 2})


@pytest.mark.long
@pytest.mark.skipif(pgbench.find() is None, reason="pgbench is not installed")
def test_the_reference_writes_what_the_audits_find_sound(
    counter: Counter, engine: Engine, database_url: str
) -> None:
    url, program = make_url(database_url), pgbench.find()
    assert url.database is not None
    assert program is not None
    tool = pgbench.Pgbench(
        program=program, environment=pgbench.environment(database_url), database_pid=os.getpid(), clients=2
    )
    sample = tool.measure(url.database, "claim_reference", 1, claims.reference_variables(counter, 1, 2))
    question = "SELECT issued FROM coupon_stock WHERE template_id = :id"
    assert rows(engine, question, id=counter.reference) == [(sample.operations,)]
    assert rows(engine, "SELECT count(*) FROM coupons WHERE id LIKE '01CLAIMR%'") == [(sample.operations,)]
