"""Races of the benchmark: what is laid in can be won once, and anything else that happens stops the run."""

import pytest
from flask import Flask
from sqlalchemy import Engine, make_url

from bench import last_ones, races
from bench.figures import BooksUnsound
from bench.last_ones import LastOnes, LastOnesLaidIn
from bench.load import LoadFailed
from bench.stock import lay_in


def run(address: str, what: LastOnes, lost: tuple[bytes, ...]) -> races.Seen:
    port = make_url(address).port
    assert port is not None
    return races.run(races.Races(port=port, races=what.races, won=what.won, lost=lost))


@pytest.mark.long
def test_one_wins_each_race_and_the_others_wait_for_their_answer(
    app: Flask, engine: Engine, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_ones, "RACES", 2)
    monkeypatch.setattr(last_ones, "CLIENTS", 8)
    laid_in = LastOnesLaidIn(engine, lay_in(engine, members=8, tickets=0), app.extensions["parts"].seeds)
    kinds = laid_in.kinds()
    assert tuple(kinds) == last_ones.KINDS
    for kind, make in kinds.items():
        what = make()
        seen = run(address, what, what.lost)
        clients = 4 if kind == "same exchange twice" else 8
        assert (kind, seen.winners, seen.losers.operations) == (kind, (1, 1), 2 * (clients - 1))
        last_ones.check(engine, what, seen.winners)
        with pytest.raises(BooksUnsound):
            last_ones.check(engine, what, (1, 2))
    with pytest.raises(LoadFailed, match="coupons_used_up"):
        run(address, laid_in.coupons(), (b"another word",))


def test_of_equal_answers_one_has_won_and_different_ones_are_two() -> None:
    asked, told = races.Races(port=0, races=[], won=(b'"id":',), lost=(b'"code":"busy"',)), set[bytes]()
    answers = [b"HTTP/1.1 201 Created\r\nX-Request-Id: %d\r\n\r\n" % n for n in range(4)]
    bodies = [b'{"id":"a"}', b'{"id":"a"}', b'{"code":"busy"}', b'{"id":"b"}']
    won = [races._won(asked, head + body, told) for head, body in zip(answers, bodies, strict=True)]
    assert won == [True, False, False, True]
