"""Points and purchases over HTTP: a page at a time, one's own only."""

import base64

import pytest

from tests.shop import Shop

LISTS = ("/me/points/entries", "/me/sales")


def test_lists_come_a_page_at_a_time_without_gap_or_double(shop: Shop) -> None:
    phone = shop.member()
    for points in (1, 2, 3):
        shop.earn(phone, points)

    for path in LISTS:
        everything = phone.get(path).json
        assert (len(everything["items"]), everything["next_cursor"]) == (3, None)
        seen, cursor = [], ""
        while cursor is not None:
            page = phone.get(f"{path}?limit=2{cursor and '&cursor=' + cursor}").json
            seen += page["items"]
            cursor = page["next_cursor"]
        assert seen == everything["items"]


def test_everybody_sees_their_own_only(shop: Shop) -> None:
    buyer, other = shop.member(), shop.member()
    shop.earn(buyer, 30)

    for path in LISTS:
        assert len(buyer.get(path).json["items"]) == 1
        assert other.get(path).json["items"] == []
        assert other.get(f"{path}?member_id={buyer.member_id}").json.get("items", []) == []
    assert (buyer.get("/me/points").json["points"], other.get("/me/points").json["points"]) == (30, 0)


def test_somebody_elses_cursor_opens_nothing(shop: Shop) -> None:
    buyer, other = shop.member(), shop.member()
    shop.earn(buyer, 30)
    shop.earn(buyer, 10)

    for path in LISTS:
        cursor = buyer.get(f"{path}?limit=1").json["next_cursor"]
        assert other.get(f"{path}?cursor={cursor}").json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_or_limit_that_is_none_of_ours_is_refused(shop: Shop, path) -> None:
    phone = shop.member()
    strange = [b"\x00", b"1; DROP TABLE members", b"9" * 60, "é".encode(), b"1 OR 1=1"]
    cursors = ["%00", "!!!!", "A" * 200, *(base64.urlsafe_b64encode(text).decode() for text in strange)]

    for query in [
        *(f"cursor={cursor}" for cursor in cursors),
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e3",
    ]:
        assert phone.get(f"{path}?{query}").status_code == 422, query


def test_entries_are_told_in_the_callers_language(shop: Shop) -> None:
    phone = shop.member()
    shop.earn(phone, 5)

    texts = {
        language: phone.get("/me/points/entries", headers={"Accept-Language": language}).json["items"][0][
            "text"
        ]
        for language in ("zh", "en")
    }

    assert texts == {"zh": "消费积分", "en": "Points earned"}
