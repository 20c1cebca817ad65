"""What members told about themselves, and since when they are members."""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, func, not_, select

from app.identity.models import PROVIDERS, MemberIdentity
from app.members.models import Member
from app.segments.fields.compare import any_of, bounds, days_since, flag
from app.segments.fields.field import MOST_DAYS, NUMBER_OPS, WORDS_OPS, Condition, Field
from app.segments.gathering import Gathering, Source
from app.stores.models import Store

IDENTITIES = Source(name="identities", rows=MemberIdentity.__table__, member_id=MemberIdentity.member_id)
MOST_YEARS = 120
MOST_AHEAD = 366


def _language(asked: Condition, _: Gathering) -> ColumnElement[bool]:
    there = Member.language.in_(asked.value)
    return there if asked.op == "any_of" else not_(there)


def _home_store(asked: Condition, _: Gathering) -> ColumnElement[bool]:
    named = Member.home_store_id.in_(select(Store.id).where(Store.code.in_(asked.value)))
    there = and_(Member.home_store_id.is_not(None), named)
    return there if asked.op == "any_of" else not_(there)


def _platform(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return any_of(gathering.count(IDENTITIES, MemberIdentity.provider.in_(asked.value)), asked)


def _has_phone(asked: Condition, _: Gathering) -> ColumnElement[bool]:
    return flag(Member.phone_index.is_not(None), asked)


def _opted_out(asked: Condition, _: Gathering) -> ColumnElement[bool]:
    return flag(Member.marketing_opt_out, asked)


def _joined(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return days_since(Member.joined_at, asked, gathering)


def _age(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    low, high = bounds(asked)
    known = and_(Member.birthday.is_not(None), Member.birthday <= born_by(gathering.today, low))
    return known if high is None else and_(known, Member.birthday > born_by(gathering.today, high + 1))


def born_by(today: date, years: int) -> date:
    """The latest birthday with so many completed years; who was born on 29 February completes one on 1 March."""
    year = today.year - years
    try:
        return today.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _birthday_month(asked: Condition, _: Gathering) -> ColumnElement[bool]:
    return and_(Member.birthday.is_not(None), func.date_part("month", Member.birthday).in_(asked.value))


def _birthday_in_days(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    low, high = bounds(asked)
    ahead = days_until(gathering.today)
    fitting = [day for day, days in ahead.items() if low <= days and (high is None or days <= high)]
    # Not `extract`, which answers with a numeric: a million of these take as long as all the rest.
    of_year = func.date_part("month", Member.birthday) * 100 + func.date_part("day", Member.birthday)
    return and_(Member.birthday.is_not(None), of_year.in_(fitting))


def days_until(today: date) -> dict[int, int]:
    """For each day of the year, as month and day in digits, how many days until it is celebrated next.

    29 February is celebrated on the 28th in years that have none, as birthday gifts are (app/tiers/birthdays.py).
    """
    found: dict[int, int] = {}
    for ahead in range(MOST_AHEAD):
        day = today + timedelta(days=ahead)
        found.setdefault(day.month * 100 + day.day, ahead)
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            found.setdefault(229, ahead)
    return found


PROFILE = (
    Field(name="language", kind="words", ops=WORDS_OPS, choices=("zh", "en"), condition=_language),
    Field(name="platform", kind="words", ops=WORDS_OPS, choices=PROVIDERS, condition=_platform),
    Field(name="home_store", kind="words", ops=WORDS_OPS, names="store", condition=_home_store),
    Field(name="has_phone", kind="flag", ops=("is",), condition=_has_phone),
    Field(name="marketing_opt_out", kind="flag", ops=("is",), condition=_opted_out),
    Field(name="joined_days", kind="days", ops=NUMBER_OPS, most=MOST_DAYS, condition=_joined),
    Field(name="age", kind="number", ops=NUMBER_OPS, most=MOST_YEARS, condition=_age),
    Field(name="birthday_month", kind="months", ops=("any_of",), condition=_birthday_month),
    Field(name="birthday_in_days", kind="days", ops=NUMBER_OPS, most=MOST_AHEAD, condition=_birthday_in_days),
)
