"""What a member sees: points that may be spent now, those that end soon, and every movement once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app import clock, db
from app.identity.sessions import token_hash
from app.ledger.post import post
from app.points.statement import SOON, movements, overview
from tests.app.ledger.books import DAY, cause, move, points
from tests.shop import Phone, Shop

US = timedelta(microseconds=1)


def test_pending_and_ended_points_are_not_shown_and_soon_is_thirty_days(shop: Shop) -> None:
    phone, now = shop.member(), clock.now()
    one = phone.member_id
    move(
        points(one, 1),
        points(one, 2, available_at=now + US),
        points(one, 4, expires_at=now),
        points(one, 8, expires_at=now + US),
        points(one, 16, expires_at=now + SOON),
        points(one, 32, expires_at=now + SOON + US),
        at=now - DAY,
    )
    seen = overview(token_hash=token_hash(phone.token), now=now)
    assert (seen.points, seen.expiring, seen.expiring_until) == (1 + 8 + 16 + 32, 8 + 16, now + SOON)
    assert seen.expiring_from == now + US
    assert (seen.pending, seen.pending_from) == (2, now + US)


def test_points_that_wait_are_told_apart_until_their_moment_with_the_first_of_several(shop: Shop) -> None:
    phone, now = shop.member(), clock.now()
    first = now + DAY
    move(
        points(phone.member_id, 1),
        points(phone.member_id, 2, available_at=first + DAY, expires_at=first + 2 * DAY),
        points(phone.member_id, 4, available_at=first, expires_at=first + 2 * DAY),
        at=now,
    )

    def seen(at: datetime) -> tuple[int, int, datetime | None, int]:
        held = overview(token_hash=token_hash(phone.token), now=at)
        return held.points, held.pending, held.pending_from, held.expiring

    # What cannot be spent yet does not end soon either: it is not among the points.
    assert seen(first - US) == (1, 6, first, 0)
    assert seen(first) == (5, 2, first + DAY, 4)
    assert seen(first + DAY) == (7, 0, None, 6)
    told = phone.get("/me/points").json
    assert (told["points"], told["pending"]["points"]) == (1, 6)
    assert datetime.fromisoformat(told["pending"]["earliest_at"]) == first


def test_without_points_that_end_soon_there_is_no_day_to_tell(shop: Shop) -> None:
    phone, now = shop.member(), clock.now()
    move(points(phone.member_id, 32, expires_at=now + SOON + DAY), at=now - DAY)
    seen = overview(token_hash=token_hash(phone.token), now=now)
    assert (seen.expiring, seen.expiring_from) == (0, None)
    assert phone.get("/me/points").json["expiring_soon"]["earliest_at"] is None


def test_the_first_of_several_ends_is_told_over_http(shop: Shop) -> None:
    phone = shop.member()
    first = clock.now().replace(microsecond=0) + 3 * DAY
    move(
        points(phone.member_id, 7, expires_at=first + DAY),
        points(phone.member_id, 5, expires_at=first),
        at=clock.now(),
    )
    soon = phone.get("/me/points").json["expiring_soon"]
    assert (soon["points"], datetime.fromisoformat(soon["earliest_at"])) == (12, first)
    assert datetime.fromisoformat(soon["until"]) > first + DAY


@pytest.mark.parametrize(
    ("time_zone", "ends", "last"),
    [
        ("Asia/Shanghai", "2100-11-28T16:00:00+00:00", "2100-11-28"),
        ("America/New_York", "2100-11-29T05:00:00+00:00", "2100-11-28"),
        (None, "2100-11-29T00:00:00+00:00", "2100-11-28"),
    ],
)
def test_points_are_valid_through_the_last_whole_day_of_the_stores_calendar(
    shop: Shop, time_zone: str | None, ends: str, last: str
) -> None:
    phone, store_id = shop.member(), None
    if time_zone is not None:
        store_id = shop.open_store("S777", time_zone).id
    given = replace(cause(clock.now()), store_id=store_id)
    with db.transaction() as session:
        post(session, given, [points(phone.member_id, 5, expires_at=datetime.fromisoformat(ends))])
        post(session, cause(clock.now()), [points(phone.member_id, 1)])
    never, entry = phone.get("/me/points/entries").json["items"]
    assert (datetime.fromisoformat(entry["expires_at"]), entry["valid_through"]) == (
        datetime.fromisoformat(ends),
        last,
    )
    assert never["valid_through"] is None


def all_pages(phone: Phone, path: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor = ""
    for _ in range(50):
        page = phone.get(f"{path}?limit=3{cursor}").json
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
    raise AssertionError("the pages do not end")


def test_pages_of_movements_hold_each_one_once_newest_first(shop: Shop) -> None:
    phone, other = shop.member(), shop.member()
    for amount in range(1, 8):
        move(points(phone.member_id, amount), points(other.member_id, 99), at=clock.now())
    move(points(phone.member_id, -10), at=clock.now())
    entries = all_pages(phone, "/me/points/entries")
    assert [entry["points"] for entry in entries] == [-10, 7, 6, 5, 4, 3, 2, 1]
    assert [entry["balance_after"] for entry in entries] == [18, 28, 21, 15, 10, 6, 3, 1]


def test_pages_of_sales_hold_each_one_once(shop: Shop) -> None:
    phone = shop.member()
    for amount in (1, 2, 3, 4):
        shop.earn(phone, amount)
    assert sorted(str(sale["points_earned"]) for sale in all_pages(phone, "/me/sales")) == [
        "1",
        "2",
        "3",
        "4",
    ]


def test_movements_before_the_first_are_none(shop: Shop) -> None:
    phone = shop.member()
    move(points(phone.member_id, 1), at=clock.now())
    assert movements(member_id=phone.member_id, limit=5, before=1) == []


def test_a_foreign_token_sees_nothing(shop: Shop) -> None:
    phone = shop.member()
    answer = phone.client.get("/api/v1/me/points", headers={"Authorization": "Bearer " + "x" * 43})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
