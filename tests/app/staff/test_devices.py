"""Marks of browsers: for whom they are, how long, and how many a browser keeps."""

from datetime import UTC, datetime, timedelta

import pytest

from app.staff.devices import LIFE, MOST, known, remembered

KEY, NOW = bytes(range(32)), datetime(2031, 5, 14, tzinfo=UTC)


def cookie(login: str = "mei", former: str = "", at: datetime = NOW) -> str:
    return remembered(KEY, former, login, now=at)


def test_a_browser_is_known_for_the_login_that_signed_in_there() -> None:
    kept = cookie()
    assert known(KEY, kept, " Mei ", now=NOW) == kept.partition(".")[0]
    assert known(KEY, kept, "bo", now=NOW) is None
    assert known(bytes(32), kept, "mei", now=NOW) is None
    assert "mei" not in kept


def test_a_mark_lasts_half_a_year_and_each_sign_in_renews_it() -> None:
    first = cookie()
    assert known(KEY, first, "mei", now=NOW + LIFE - timedelta(seconds=1)) is not None
    assert known(KEY, first, "mei", now=NOW + LIFE) is None
    renewed = cookie(former=first, at=NOW + timedelta(days=100))
    assert known(KEY, renewed, "mei", now=NOW + LIFE) == known(KEY, first, "mei", now=NOW)


def test_people_who_share_a_till_each_have_a_mark_and_the_oldest_go() -> None:
    kept = ""
    for number in range(MOST + 2):
        kept = cookie(f"clerk-{number}", kept)
    there = [known(KEY, kept, f"clerk-{number}", now=NOW) is not None for number in range(MOST + 2)]
    assert there == [False] * 2 + [True] * MOST
    assert len(kept) < 2_000
    again = cookie("clerk-5", kept)
    assert len(again) == len(kept)


@pytest.mark.parametrize(
    "foreign",
    ["", "~", "x", "a.b.c", "早", "~".join(["x"] * 5_000), "." * 4_000, "é" * 22 + ".1." + "a" * 43, "\0"],
)
def test_what_is_not_ours_says_nothing_and_is_not_kept(foreign: str) -> None:
    assert known(KEY, foreign, "mei", now=NOW) is None
    assert len(cookie(former=foreign)) == len(cookie())


@pytest.mark.parametrize("place", [0, 25, -1])
def test_a_mark_that_was_changed_is_none(place: int) -> None:
    letters = list(cookie())
    letters[place] = "8" if letters[place] != "8" else "4"
    assert known(KEY, "".join(letters), "mei", now=NOW) is None


def test_a_time_that_no_calendar_has_is_not_ours() -> None:
    mark, _, signature = cookie().split(".")
    assert known(KEY, f"{mark}.99999999999.{signature}", "mei", now=NOW) is None
