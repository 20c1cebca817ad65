"""Whose coupons end in a given time, page by page."""

from datetime import timedelta

from sqlalchemy import Engine, text

from app import clock
from app.coupons.expiring import Ending, ending
from tests.coupons import give, live_template, use
from tests.shop import Shop

DAY = timedelta(days=1)


def test_who_has_how_many_that_end_in_the_time_asked_about(shop: Shop, engine: Engine) -> None:
    now = clock.now()
    one, two, frozen = (shop.member().member_id for _ in range(3))
    ends = now + 2 * DAY
    validity = {"kind": "between", "begins_at": now.isoformat(), "ends_at": ends.isoformat()}
    soon, later = live_template(now, validity=validity), live_template(now)
    used, *_ = give(soon, one, now, 3)
    for member in (two, frozen):
        give(soon, member, now)
    give(later, one, now, 4)
    assert use(shop, used, one)
    with engine.begin() as connection:
        connection.execute(text("UPDATE members SET status = 'frozen' WHERE id = :id"), {"id": frozen})
    found = [Ending(member_id=one, coupons=2, first_at=ends), Ending(member_id=two, coupons=1, first_at=ends)]
    wanted = {"begins": ends, "until": ends + DAY}
    assert ending(**wanted, limit=9) == found
    assert ending(**wanted, limit=1) == found[:1]
    assert ending(**wanted, limit=9, after=one) == found[1:]
    assert ending(begins=now, until=ends, limit=9) == []
