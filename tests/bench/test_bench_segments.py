"""What the benchmark lays in is what segments ask about, summed up as the worker would; each rule is answered."""

import os

import pytest
from sqlalchemy import Engine

from app import db
from app.segments import totals
from app.segments.fields.registry import FIELDS
from app.segments.rule import parse
from bench import million
from bench.segments import ALONE, COMBINED, measured
from tests.conftest import rows

SUMS = ("member_totals", "member_days", "member_bought")


@pytest.fixture
def laid_in(unaudited_engine: Engine) -> Engine:
    million.lay_in(unaudited_engine, members=300, sales=2_000)
    return unaudited_engine


def sums(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    return {table: sorted(rows(engine, f"SELECT * FROM {table}"), key=str) for table in SUMS}


@pytest.mark.long
def test_each_rule_is_answered_and_means_somebody(laid_in: Engine) -> None:
    found = {one.rule: one.count for one in measured(1, os.getpid())}
    assert len(found) == len(ALONE) + len(COMBINED)
    assert found["language"] > 20
    assert found["purchases"] > 50
    assert sum(count > 0 for count in found.values()) >= len(found) - 4


@pytest.mark.long
def test_what_is_laid_in_is_summed_up_as_the_worker_does(laid_in: Engine) -> None:
    before = sums(laid_in)
    assert all(before.values())
    with db.transaction() as session:
        totals.count(session, range(1, 301))
    assert sums(laid_in) == before


def test_nearly_every_field_is_measured() -> None:
    asked = {one.field.name for rule in (ALONE | COMBINED).values() for one in parse(rule).conditions()}
    assert set(FIELDS) - asked <= {
        *("has_phone", "marketing_opt_out", "birthday_month", "bonus_fen", "first_purchase_days"),
        *("holds_coupons_of", "used_coupons_of", "lists", "brought"),
    }
