"""Quotes that the benchmark lays in are quotes of the product, and what is made of them is sound (the fixture asks)."""

import os

import pytest
from flask import Flask
from sqlalchemy import Engine, make_url

from bench import discounts, pgbench, quoted_reference, quotes
from bench.quotes import QuoteRequests, Shelf
from bench.requests import Operation
from bench.stock import TILLS, lay_in
from tests.conftest import rows

CLIENTS = 2


@pytest.fixture
def shelf(app: Flask, engine: Engine) -> Shelf:
    stock = lay_in(engine, members=4, tickets=0)
    return quotes.lay_in(engine, stock, buyers=10, tickets=160)


def send(app: Flask, operation: Operation) -> tuple[int, dict[str, object]]:
    """A prepared request, through the app's own client."""
    head, _, body = operation[0].partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    answer = app.test_client().post(first.split()[1], data=body, headers=headers)
    return answer.status_code, dict(answer.json or {})


@pytest.mark.long
def test_a_quote_is_asked_for_with_twenty_lines_and_thirty_benefits(app: Flask, shelf: Shelf) -> None:
    [_, asked, *others] = QuoteRequests(shelf).quotes()
    status, quoted = send(app, asked)
    assert (status, len(others)) == (201, 8)
    lines, benefits = quoted["lines"], quoted["benefits"]
    assert isinstance(lines, list)
    assert isinstance(benefits, list)
    assert (len(lines), len(benefits), quoted["best"]) == (20, 30, True)
    assert sum(one["coupon"] is not None for one in benefits) == 10
    assert any(one["applied"] and one["coupon"] for one in benefits)
    reasons = {one["reason"] for one in benefits}
    assert reasons >= {"applied", "not_combinable", "not_your_tier", "not_here", "below_threshold"}


@pytest.mark.long
def test_each_quote_in_hand_becomes_a_sale(app: Flask, shelf: Shelf, engine: Engine) -> None:
    requests = QuoteRequests(shelf)
    sent = [send(app, operation) for operation in requests.sales(engine, 5)]
    sent += [send(app, operation) for operation in requests.sales(engine, 5)]
    assert [status for status, _ in sent] == [201] * 10
    kinds = {tender["kind"] for _, sale in sent for tender in sale["tenders"]}  # type: ignore[attr-defined]
    assert kinds == {"points", "principal", "bonus", "cash"}
    assert {len(sale["coupons"]) for _, sale in sent} == {1}  # type: ignore[arg-type]
    assert len(requests.sales(engine, 200)) == 140


@pytest.mark.long
def test_the_usual_bill_has_a_discount_of_the_tier_and_one_of_the_day(shelf: Shelf) -> None:
    usual = shelf.kept[1].priced
    names = {one.name_zh for one in usual.benefits if one.told.applied}
    assert names >= {f"{discounts.TIER} 会员折扣", "会员日全场 97 折"}


@pytest.mark.long
@pytest.mark.long
@pytest.mark.skipif(pgbench.find() is None, reason="pgbench is not installed")
def test_the_reference_writes_what_the_audits_find_sound(
    app: Flask, shelf: Shelf, engine: Engine, database_url: str
) -> None:
    url, program = make_url(database_url), pgbench.find()
    assert url.database is not None
    assert program is not None
    quoted_reference.hold(engine, shelf, run=1, clients=CLIENTS, count=5_000)
    tool = pgbench.Pgbench(
        program=program,
        environment=pgbench.environment(database_url),
        database_pid=os.getpid(),
        clients=CLIENTS,
    )
    variables = quoted_reference.variables(shelf, 1, CLIENTS)
    sample = tool.measure(url.database, "quoted_sale_reference", 1, variables)
    assert rows(engine, "SELECT count(*) FROM sales WHERE quote_id IS NOT NULL") == [(sample.operations,)]
    assert rows(engine, "SELECT count(*) FROM quotes WHERE used_at IS NOT NULL") == [(sample.operations,)]
    assert send(app, QuoteRequests(shelf).sales(engine, TILLS)[1])[0] == 201
