"""Why a benefit does not hold, told with what it asks for: the tier, the days, the hours."""

from datetime import date
from typing import Any

import pytest

from app.discounts.asks import TierWords, asks
from app.discounts.benefit import Told
from app.discounts.explain import reason_text
from app.discounts.rules import definition_of

TIERS = {
    "normal": TierWords(zh="普通会员", en="Member"),
    "silver": TierWords(zh="银卡会员", en="Silver"),
    "gold": TierWords(zh="金卡会员", en="Gold"),
}
TODAY = date(2031, 5, 14)


def told(reason: str, conditions: dict[str, Any], language: str) -> str:
    definition = definition_of({"effect": {"kind": "percent", "percent_bp": 500}, "conditions": conditions})
    words = asks(reason, definition.conditions, TIERS, today=TODAY, language=language)
    name = {"zh": "九五折", "en": "5% off"}[language]
    return reason_text(Told(key="a", applied=False, reason=reason), {"a": name}, language, asks=words)


@pytest.mark.parametrize(
    ("tiers", "zh", "en"),
    [
        (["gold"], "“九五折”金卡会员可享", "5% off is for Gold"),
        (["gold", "silver"], "“九五折”银卡或金卡会员可享", "5% off is for Silver or Gold"),
        (
            ["normal", "gold", "silver"],
            "“九五折”普通、银卡或金卡会员可享",
            "5% off is for Member, Silver or Gold",
        ),
        (["black", "gold"], "“九五折”金卡或black会员可享", "5% off is for Gold or black"),
    ],
)
def test_the_tiers_are_named_in_their_order(tiers: list[str], zh: str, en: str) -> None:
    for language, words in (("zh", zh), ("en", en)):
        assert told("not_your_tier", {"tiers": tiers, "weekdays": [1]}, language) == words


@pytest.mark.parametrize(
    ("conditions", "zh", "en"),
    [
        ({"monthdays": [18]}, "每月 18 日", "on the 18th of each month"),
        (
            {"monthdays": [-1, 1, 22]},
            "每月 1 日、22 日、最后一日",
            "on the 1st, 22nd and last day of each month",
        ),
        ({"monthdays": [11, 13]}, "每月 11 日、13 日", "on the 11th and 13th of each month"),
        ({"weekdays": [3]}, "每周三", "on Wednesdays"),
        (
            {"weekdays": [7, 6], "time_of_day": {"from_minute": 840, "until_minute": 965}},
            "每周六、周日 14:00 至 16:05 ",
            "on Saturdays and Sundays, from 14:00 to 16:05",
        ),
        (
            {"time_of_day": {"from_minute": 1_320, "until_minute": 120}},
            "22:00 至次日 02:00 ",
            "from 22:00 to 02:00 the next day",
        ),
        ({"dates": ["2031-05-13", "2031-06-18"]}, "2031-06-18 当日", "on 2031-06-18"),
        (
            {"dates": ["2031-06-01", "2031-07-01", "2031-08-01", "2031-09-01"]},
            "2031-06-01、2031-07-01、2031-08-01 等指定日期",
            "on 2031-06-01, 2031-07-01 and 2031-08-01 and other days",
        ),
        ({"dates": ["2030-01-01"]}, "2030-01-01 当日", "on 2030-01-01"),
    ],
)
def test_days_and_hours_are_told(conditions: dict[str, Any], zh: str, en: str) -> None:
    assert told("not_now", conditions, "zh") == f"“九五折”{zh}可享"
    assert told("not_now", conditions, "en") == f"5% off holds {en}"


def test_a_birthday_is_a_day_or_a_month() -> None:
    assert told("not_birthday", {"birthday": "day"}, "zh") == "“九五折”生日当天可享"
    assert told("not_birthday", {"birthday": "month"}, "en") == "5% off holds in the month of the birthday"


def test_other_reasons_ask_for_nothing() -> None:
    assert told("not_here", {"stores": [1], "tiers": ["gold"]}, "zh") == "“九五折”不适用于本店"
