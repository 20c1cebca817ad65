"""Races of the benchmark: what is laid in can be won once, and another number of winners stops the run."""

import pytest
from flask import Flask
from sqlalchemy import Engine, make_url

from bench import last_ones, races
from bench.figures import BooksUnsound
from bench.last_ones import LastOnesLaidIn
from bench.load import LoadFailed
from bench.stock import lay_in


@pytest.fixture
def laid_in(app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> LastOnesLaidIn:
    monkeypatch.setattr(last_ones, "RACES", 2)
    monkeypatch.setattr(last_ones, "CLIENTS", 8)
    return LastOnesLaidIn(engine, lay_in(engine, members=8, tickets=0), app.extensions["parts"].seeds)


@pytest.mark.parametrize("kind", ["coupon", "prize", "exchange"])
def test_one_wins_each_race_and_the_others_wait_for_their_answer(
    kind: str, laid_in: LastOnesLaidIn, address: str, engine: Engine
) -> None:
    what = laid_in.kinds()[kind]()
    port = make_url(address).port
    assert port is not None
    seen = races.run(races.Races(port=port, races=what.races, won=what.won, lost=what.lost))
    assert (seen.winners, seen.losers.operations) == ((1, 1), 14)
    last_ones.check(engine, what, seen.winners)
    with pytest.raises(BooksUnsound):
        last_ones.check(engine, what, (1, 2))


def test_an_answer_that_nobody_foresaw_ends_it(laid_in: LastOnesLaidIn, address: str) -> None:
    port = make_url(address).port
    assert port is not None
    what = laid_in.coupons()
    with pytest.raises(LoadFailed, match="coupons_used_up"):
        races.run(races.Races(port=port, races=what.races, won=what.won, lost=b"another word"))
