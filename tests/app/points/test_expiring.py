"""Whose points end in a given time, page by page."""

from datetime import timedelta

from sqlalchemy import Engine, text

from app.ledger.expire import expire
from app.points.expiring import Ending, ending
from tests.app.ledger.books import DAY, NOW, fen, member, move, points

INSTANT = timedelta(microseconds=1)


def test_who_has_how_many_that_end_in_the_time_asked_about(engine: Engine) -> None:
    one, two, three, frozen = (member() for _ in range(4))
    move(points(one, 10, expires_at=NOW + 2 * DAY), points(one, 5, expires_at=NOW + 3 * DAY - INSTANT))
    move(points(one, 7, expires_at=NOW + 3 * DAY), points(one, 9), points(one, 8, expires_at=NOW + DAY))
    move(points(two, 4, expires_at=NOW + 2 * DAY, available_at=NOW + DAY))
    move(points(two, 1), fen(two, 99, "bonus_fen", expires_at=NOW + 2 * DAY))
    move(points(three, 3), points(frozen, 6, expires_at=NOW + 2 * DAY))
    with engine.begin() as connection:
        connection.execute(text("UPDATE members SET status = 'frozen' WHERE id = :id"), {"id": frozen})
    wanted = {"begins": NOW + 2 * DAY, "until": NOW + 3 * DAY}
    found = [
        Ending(member_id=one, points=15, first_at=NOW + 2 * DAY),
        Ending(member_id=two, points=4, first_at=NOW + 2 * DAY),
    ]
    assert ending(**wanted, limit=10) == found
    assert ending(**wanted, limit=1) == found[:1]
    assert ending(**wanted, limit=1, after=one) == found[1:]
    assert ending(**wanted, limit=1, after=two) == []
    expire(now=NOW + 3 * DAY)
    assert ending(**wanted, limit=10) == []
