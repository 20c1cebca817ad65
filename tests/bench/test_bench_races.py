"""Races of the benchmark: what is laid in can be won once, and anything else that happens stops the run."""

import pytest
from flask import Flask
from sqlalchemy import Engine, make_url

from bench import last_ones, races
from bench.figures import BooksUnsound
from bench.last_ones import LastOnes, LastOnesLaidIn
from bench.load import LoadFailed
from bench.stock import lay_in


def run(address: str, what: LastOnes, lost: bytes) -> races.Seen:
    port = make_url(address).port
    assert port is not None
    return races.run(races.Races(port=port, races=what.races, won=what.won, lost=lost))


def test_one_wins_each_race_and_the_others_wait_for_their_answer(
    app: Flask, engine: Engine, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_ones, "RACES", 2)
    monkeypatch.setattr(last_ones, "CLIENTS", 8)
    laid_in = LastOnesLaidIn(engine, lay_in(engine, members=8, tickets=0), app.extensions["parts"].seeds)
    kinds = laid_in.kinds()
    assert sorted(kinds) == ["coupon", "exchange", "prize"]
    for make in kinds.values():
        what = make()
        seen = run(address, what, what.lost)
        assert (seen.winners, seen.losers.operations) == ((1, 1), 14)
        last_ones.check(engine, what, seen.winners)
        with pytest.raises(BooksUnsound):
            last_ones.check(engine, what, (1, 2))
    with pytest.raises(LoadFailed, match="coupons_used_up"):
        run(address, laid_in.coupons(), b"another word")
