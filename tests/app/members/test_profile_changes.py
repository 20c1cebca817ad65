"""What members may change about themselves: birthdays above all."""

import threading
from datetime import UTC, date, datetime

import pytest

from app.members import profile
from app.members.profile import BirthdayAlreadySet, BirthdayImpossible, age_years
from app.messages.preferences import edit
from tests.conftest import rows
from tests.racing import race


def at(year, month, day, hour=12):
    return datetime(year, month, day, hour, tzinfo=UTC)


def set_birthday(member_id, birthday, now):
    edit(member_id=member_id, changes={"birthday": birthday}, now=now)


@pytest.fixture
def member_id(shop):
    return shop.member().member_id


OLD_ENOUGH = [
    (date(2012, 11, 22), at(2026, 11, 22)),
    (date(2012, 1, 29), at(2026, 1, 31)),  # the last days of a month count as any other
    (date(2012, 1, 31), at(2026, 1, 31)),
    (date(2012, 2, 29), at(2026, 3, 1)),
    (date(2012, 2, 29), at(2028, 2, 29)),
    (date(1900, 1, 1), at(2026, 1, 1)),
    (date(2000, 2, 29), at(2026, 1, 1)),
]
IMPOSSIBLE = [
    (date(2012, 11, 23), at(2026, 11, 22, 23)),
    (date(2012, 2, 29), at(2026, 2, 28)),
    (date(2026, 11, 22), at(2026, 11, 22)),
    (date(2026, 11, 23), at(2026, 11, 22)),
    (date(9999, 12, 31), at(2026, 11, 22)),
    (date(1899, 12, 31), at(2026, 11, 22)),
    (date(1, 1, 1), at(2026, 11, 22)),
]


def test_whoever_is_14_may_tell_their_birthday(shop, engine):
    for birthday, now in OLD_ENOUGH:
        member_id = shop.member().member_id
        set_birthday(member_id, birthday, now)
        assert rows(engine, "SELECT birthday FROM members WHERE id = :id", id=member_id) == [(birthday,)]


def test_children_the_unborn_and_ghosts_may_not(member_id, engine):
    for birthday, now in IMPOSSIBLE:
        with pytest.raises(BirthdayImpossible):
            set_birthday(member_id, birthday, now)
    assert rows(engine, "SELECT birthday FROM members") == [(None,)]


def test_a_leap_days_child_completes_a_year_on_1_march():
    assert age_years(date(2012, 2, 29), date(2026, 2, 28)) == 13
    assert age_years(date(2012, 2, 29), date(2026, 3, 1)) == 14
    assert age_years(date(2012, 2, 29), date(2028, 2, 29)) == 16


def test_a_birthday_is_told_once(member_id, engine):
    set_birthday(member_id, date(1990, 5, 17), at(2026, 1, 1))
    set_birthday(member_id, date(1990, 5, 17), at(2026, 1, 2))

    with pytest.raises(BirthdayAlreadySet):
        set_birthday(member_id, date(1990, 5, 18), at(2026, 1, 3))


def test_a_refused_change_changes_nothing_else(member_id, engine):
    changes = {"name": "张三", "birthday": date(2025, 1, 1)}
    with pytest.raises(BirthdayImpossible):
        edit(member_id=member_id, changes=changes, now=at(2026, 1, 1))

    assert rows(engine, "SELECT name, birthday FROM members") == [("", None)]


def test_changing_nothing_leaves_no_trace(member_id, engine):
    before = rows(engine, "SELECT count(*) FROM audit_log")

    edit(member_id=member_id, changes={}, now=at(2026, 1, 1))

    assert rows(engine, "SELECT count(*) FROM audit_log") == before


def test_the_audit_log_names_the_fields_and_not_what_is_in_them(member_id, engine):
    edit(member_id=member_id, changes={"name": "张三丰", "birthday": date(1990, 5, 17)}, now=at(2026, 1, 1))

    [(action, data)] = rows(engine, "SELECT action, data FROM audit_log WHERE actor_type = 'member'")
    assert (action, data) == ("member.change", {"fields": ["birthday", "name"]})


def refusals(member_id, days):
    """As many requests as days, all at once, each with a birthday of its own; how many were told that it is set."""

    def tell(number):
        try:
            set_birthday(member_id, days[number], at(2026, 1, 1))
        except BirthdayAlreadySet:
            return True
        return False

    return sum(race(len(days), tell))


DAYS = [date(1990, 1, 1 + n) for n in range(16)]


def test_of_many_birthdays_told_at_once_one_counts(member_id):
    assert refusals(member_id, DAYS) == 15


def test_without_the_lock_a_birthday_would_be_told_over(member_id, monkeypatch):
    """The control."""
    waiting = threading.Barrier(len(DAYS))

    def unlocked(session, member_id):
        member = session.get_one(profile.Member, member_id)
        waiting.wait(60)
        return member

    monkeypatch.setattr(profile, "locked", unlocked)

    assert refusals(member_id, DAYS) < 15
