"""`tiers recompute`: whatever is wrong is told, what is mended stays mended, and the past can be asked about."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import clock
from app.clock import HOME_ZONE
from tests.app.tiers.shopping import Custom, set_plan
from tests.shop import Phone, Shop

DAY = timedelta(days=1)


@pytest.fixture
def custom(shop: Shop, engine: Engine) -> Custom:
    return Custom(shop, engine)


def recompute(app: Flask, *options: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["tiers", "recompute", *options])
    return done.exit_code, done.output


def silver(custom: Custom, *, days_ago: int = 2) -> Phone:
    """A member who bought and was lifted, that many days ago."""
    then = clock.now() - days_ago * DAY
    set_plan(at=then - 90 * DAY)
    phone = custom.shop.member()
    custom.buys(phone, 10_000, at=then)
    custom.works(at=then + timedelta(seconds=2))
    assert custom.tier(phone) == "silver"
    return phone


def test_sound_books_have_no_difference(custom: Custom, app: Flask) -> None:
    assert recompute(app, "--check") == (0, "no difference\n")
    silver(custom)
    assert recompute(app, "--check") == (0, "no difference\n")
    assert recompute(app) == (0, "0 mended\n")


def test_a_sale_nobody_decided_about_is_found_and_mended(custom: Custom, app: Flask) -> None:
    phone = silver(custom, days_ago=3)
    custom.buys(phone, 20_000, at=clock.now() - DAY)
    with custom.engine.begin() as connection:
        connection.execute(text("UPDATE facts SET handled_at = created_at"))
    code, printed = recompute(app, "--check")
    assert (code, "instead of gold" in printed, "1 differences" in printed) == (1, True, True)
    assert custom.tier(phone) == "silver"

    code, printed = recompute(app)
    assert (code, "became gold" in printed, "1 mended" in printed) == (0, True, True)
    assert [change[1:4] for change in custom.changes(phone)] == [
        ("upgrade", "normal", "silver"),
        ("upgrade", "silver", "gold"),
    ]
    assert recompute(app, "--check") == (0, "no difference\n")
    custom.works(at=clock.now() + timedelta(minutes=1))
    assert (custom.tier(phone), custom.gifts(phone)) == ("gold", [200, 50])


def test_a_card_that_says_something_else_is_found_and_mended(custom: Custom, app: Flask) -> None:
    phone = silver(custom)
    with custom.engine.begin() as connection:
        connection.execute(text("UPDATE members SET tier_id = 1"))
    code, printed = recompute(app, "--check")
    assert (code, "normal on the card instead of silver" in printed) == (1, True)
    assert recompute(app)[0] == 0
    assert (custom.tier(phone), len(custom.changes(phone))) == ("silver", 1)
    assert recompute(app, "--check")[0] == 0


def test_a_row_that_should_not_be_there_is_answered_by_another(custom: Custom, app: Flask) -> None:
    phone = silver(custom)
    with custom.engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO tier_changes SELECT member_id, 2, 'upgrade', 'silver', 'gold', 1, 0, NULL, 0,
                counts_from, valid_through, at, decided_at FROM tier_changes""")
        )
    code, printed = recompute(app, "--check")
    assert (code, "gold" in printed) == (1, True)
    assert recompute(app)[0] == 0
    assert [change[1:] for change in custom.changes(phone)] == [
        ("upgrade", "normal", "silver", 50),
        ("upgrade", "silver", "gold", 0),
        ("mend", "gold", "silver", 0),
    ]
    assert (custom.tier(phone), recompute(app, "--check")) == ("silver", (0, "no difference\n"))


def test_any_day_of_the_past_can_be_recomputed(custom: Custom, app: Flask) -> None:
    phone = silver(custom, days_ago=40)
    custom.works()
    assert custom.tier(phone) == "normal"
    today = clock.business_date(clock.now(), HOME_ZONE)
    for days_ago in (50, 40, 39, 25, 24, 1):
        assert recompute(app, "--check", "--on", str(today - days_ago * DAY)) == (0, "no difference\n")
    code, printed = recompute(app, "--check", "--on", str(today))
    assert (code, "not over" in printed) == (2, True)
    assert recompute(app, "--on", str(today - DAY))[0] == 2


def test_a_demotion_that_is_overdue_is_told(custom: Custom, app: Flask) -> None:
    silver(custom, days_ago=40)
    code, printed = recompute(app, "--check")
    assert (code, "instead of normal" in printed) == (1, True)
