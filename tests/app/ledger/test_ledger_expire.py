"""What has ended is booked out once, by whoever comes first: the job, or the next movement."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from app import db
from app.db import Busy
from app.ledger import expire as job
from app.ledger.expire import expire
from app.ledger.post import NotEnough, post
from tests.app.ledger.books import DAY, NOW, balance, cause, everything, fen, member, move, points, remaining
from tests.conftest import rows
from tests.racing import race

US = timedelta(microseconds=1)


def ended(engine: Engine) -> list[tuple[object, ...]]:
    return rows(
        engine,
        """SELECT e.amount, e.balance_after, t.occurred_at, t.business_date::text FROM ledger_transactions t
        JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
        WHERE t.kind = 'expire' ORDER BY e.id""",
    )


def test_the_job_takes_out_what_ended_and_leaves_the_rest(engine: Engine) -> None:
    one, two = member(), member()
    move(points(one, 10, expires_at=NOW + DAY))
    move(points(one, 7, expires_at=NOW + 2 * DAY))
    move(points(two, 5))
    assert expire(now=NOW + DAY - US) == 0
    assert expire(now=NOW + DAY) == 1
    assert (balance(engine, one), balance(engine, two)) == (7, 5)
    assert remaining(engine, one) == [0, 7]
    assert ended(engine) == [(-10, 7, NOW + DAY, "2026-03-02")]


def test_the_job_run_again_finds_nothing(engine: Engine) -> None:
    one = member()
    move(points(one, 10, expires_at=NOW + DAY))
    assert expire(now=NOW + DAY) == 1
    before = everything(engine)
    assert expire(now=NOW + 9 * DAY) == 0
    assert everything(engine) == before


def test_days_of_standing_still_change_only_when_it_is_written_not_what(engine: Engine) -> None:
    one = member()
    for day in range(1, 4):
        move(points(one, day, expires_at=NOW + day * DAY))
    assert expire(now=NOW + 30 * DAY) == 1
    assert ended(engine) == [
        (-1, 5, NOW + DAY, "2026-03-02"),
        (-2, 3, NOW + 2 * DAY, "2026-03-03"),
        (-3, 0, NOW + 3 * DAY, "2026-03-04"),
    ]


def test_a_partly_spent_lot_loses_what_is_left(engine: Engine) -> None:
    one = member()
    move(points(one, 10, expires_at=NOW + DAY))
    move(points(one, -4))
    expire(now=NOW + DAY)
    assert [row[0] for row in ended(engine)] == [-6]
    assert balance(engine, one) == 0


def test_the_next_movement_does_it_on_the_way_and_answers_without_what_ended(engine: Engine) -> None:
    one = member()
    move(points(one, 10, expires_at=NOW + DAY))
    [posted] = move(points(one, 3), at=NOW + DAY)
    assert posted.balance_after == 3
    assert [row[:2] for row in ended(engine)] == [(-10, 0)]
    assert expire(now=NOW + 2 * DAY) == 0


def test_a_refused_debit_leaves_the_ended_lot_to_the_job(engine: Engine) -> None:
    one = member()
    move(points(one, 10, expires_at=NOW + DAY))
    with pytest.raises(NotEnough):
        move(points(one, -1), at=NOW + DAY)
    assert ended(engine) == []
    assert expire(now=NOW + DAY) == 1


def test_the_day_is_that_of_the_store_the_points_came_from(engine: Engine) -> None:
    one = member()
    with engine.begin() as connection:
        store_id = connection.execute(
            text("""INSERT INTO stores (code, name, time_zone, created_at)
                VALUES ('S9', 'x', 'Asia/Shanghai', now()) RETURNING id""")
        ).scalar_one()
    midnight = NOW.replace(hour=16)  # in Shanghai, between the first and the second of March
    from_store = points(one, 10, expires_at=midnight)
    with db.transaction() as session:
        post(session, replace(cause(), store_id=store_id), [from_store])
    expire(now=midnight)
    assert [row[3] for row in ended(engine)] == ["2026-03-02"]


def test_bonus_ends_as_points_do_and_goes_to_its_own_house_account(engine: Engine) -> None:
    one = member()
    move(fen(one, 500, "bonus_fen", expires_at=NOW + DAY), fen(one, 900))
    expire(now=NOW + DAY)
    assert (balance(engine, one, "bonus_fen"), balance(engine, one, "principal_fen")) == (0, 900)
    assert rows(engine, "SELECT house, amount FROM ledger_entries WHERE house LIKE '%expired'") == [
        ("bonus_expired", 500)
    ]


def test_it_can_be_stopped_and_goes_on_where_it_stood(engine: Engine) -> None:
    everyone = [member() for _ in range(6)]
    for one in everyone:
        move(points(one, 10, expires_at=NOW + DAY))
    turns = iter([True, True, True, True])
    done = expire(now=NOW + DAY, keep_going=lambda: next(turns, False))
    assert 0 < done < 6
    assert expire(now=NOW + DAY) == 6 - done
    assert [balance(engine, one) for one in everyone] == [0] * 6


def test_jobs_and_tills_at_once_end_each_lot_once(engine: Engine) -> None:
    everyone = [member() for _ in range(4)]
    for one in everyone:
        for day in range(1, 6):
            move(points(one, 10, expires_at=NOW + day * DAY))
        move(points(one, 100))

    def at_once(number: int) -> None:
        one = everyone[number % 4]
        try:
            if number < 8:
                expire(now=NOW + 5 * DAY)
            else:
                move(points(one, -1), at=NOW + 5 * DAY)
        except Busy:
            pass

    race(16, at_once)
    expire(now=NOW + 5 * DAY)
    assert [balance(engine, one) for one in everyone] == [98] * 4
    assert len(ended(engine)) == 20


@pytest.mark.usefixtures("impatient")
def test_an_account_that_is_held_for_long_keeps_no_other_from_its_turn(engine: Engine) -> None:
    one, two, three = member(), member(), member()
    for who in (one, two, three):
        move(points(who, 10, expires_at=NOW + DAY))
    with engine.begin() as holder:
        holder.execute(text("SELECT FROM ledger_accounts WHERE member_id = :m FOR UPDATE"), {"m": two})
        assert expire(now=NOW + DAY) == 2
    assert [balance(engine, who) for who in (one, two, three)] == [0, 10, 0]
    assert expire(now=NOW + DAY) == 1


def test_a_job_that_is_killed_half_way_leaves_the_rest_whole_to_the_next(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = [member() for _ in range(6)]
    for one in everyone:
        move(points(one, 10, expires_at=NOW + DAY), points(one, 5, expires_at=NOW + 2 * DAY))
    done = []

    def killed(account_id: int, now: datetime) -> bool:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(account_id)
        return expiring(account_id, now)

    expiring = job._expire
    with monkeypatch.context() as half_way:
        half_way.setattr(job, "_expire", killed)
        with pytest.raises(KeyboardInterrupt):
            expire(now=NOW + DAY)
    assert sorted(balance(engine, one) for one in everyone) == [5, 5, 5, 15, 15, 15]
    # Days later, and many workers at once.
    race(16, lambda _: expire(now=NOW + 9 * DAY))
    expire(now=NOW + 9 * DAY)
    assert [balance(engine, one) for one in everyone] == [0] * 6
    assert len(ended(engine)) == 12
