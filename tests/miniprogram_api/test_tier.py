"""What a member is told of their tier: what is missing, what keeps it, until when."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine

from app import clock
from app.clock import HOME_ZONE
from app.tiers.progress import progress
from tests.app.tiers.shopping import LEVELS, Custom, later, set_plan
from tests.shop import Phone, Shop

DAY = timedelta(days=1)


@pytest.fixture
def custom(shop: Shop, engine: Engine) -> Custom:
    return Custom(shop, engine)


def told(phone: Phone, language: str = "zh") -> Any:
    answer = phone.get("/me/tier", headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.json
    return answer.json


def day(at: datetime) -> str:
    return str(clock.business_date(at, HOME_ZONE))


def test_without_a_plan_there_is_a_tier_and_nothing_to_reach(custom: Custom) -> None:
    assert told(custom.shop.member()) == {
        "tier": {"code": "normal", "name": "普通会员"},
        "valid_through": None,
        "basis": None,
        "amount": 0,
        "counts_from": None,
        "next": None,
        "keep": None,
        "benefits": [],
        "text": "",
    }


def test_a_newcomer_reads_what_is_missing_to_the_next_tier(custom: Custom) -> None:
    set_plan()
    phone = custom.shop.member()
    custom.buys(phone, 3_680)
    tier = told(phone)
    assert (tier["amount"], tier["keep"], tier["valid_through"]) == (3_680, None, None)
    assert tier["next"] == {
        "tier": {"code": "silver", "name": "银卡会员"},
        "at_least": 10_000,
        "missing": 6_320,
        "text": "再消费 ¥63.20 即可升级为银卡会员",
    }
    assert tier["text"] == tier["next"]["text"]
    assert told(phone, "en")["text"] == "Spend ¥63.20 more to reach Silver"


def test_near_its_end_a_tier_says_first_what_keeps_it(custom: Custom) -> None:
    now = clock.now() - DAY
    set_plan(at=now - DAY)
    phone = custom.shop.member()
    custom.buys(phone, 10_000, at=now)
    custom.works()
    last, until = day(now + 10 * DAY), day(now + 15 * DAY)
    tier = told(phone)
    assert tier["keep"] == {
        "at_least": 10_000,
        "amount": 0,
        "missing": 10_000,
        "counts_from": day(now + DAY),
        "valid_through": last,
        "until": until,
        "text": f"银卡会员有效期至 {last}，{until} 前（含当日）再消费 ¥100.00 即可保级",
    }
    assert (tier["valid_through"], tier["text"]) == (last, tier["keep"]["text"])
    assert tier["next"]["missing"] == 20_000

    with time_machine.travel(now + 3 * DAY):
        custom.buys(phone, 10_000)
        custom.works()
        tier = told(phone, "en")
        assert tier["keep"]["missing"] == 0
        assert (
            tier["keep"]["text"]
            == f"Silver is valid until {last} and will be renewed: you have earned it again"
        )
        assert tier["text"] == "Spend ¥100.00 more to reach Gold"


def test_in_the_highest_tier_there_is_only_keeping_it(custom: Custom) -> None:
    set_plan(window={"kind": "calendar_year"})
    phone = custom.shop.member()
    custom.buys(phone, 30_000)
    custom.works()
    tier = told(phone)
    assert (tier["tier"]["code"], tier["next"]) == ("gold", None)
    last = tier["valid_through"]
    assert last.endswith("-12-31")
    # What is bought this year does not count for the next one.
    assert tier["text"] == tier["keep"]["text"] == f"金卡会员有效期至 {last}"
    next_year = datetime.fromisoformat(f"{last}T04:00:00+00:00")
    assert "¥300.00" in progress(member_id=phone.member_id, now=next_year).text("zh")


@pytest.mark.parametrize(
    ("basis", "zh", "en"),
    [
        ("visits", "再到店消费 2 次即可升级为银卡会员", "Visits still needed for Silver: 2"),
        ("growth", "再获得 3 成长值即可升级为银卡会员", "Growth value still needed for Silver: 3"),
    ],
)
def test_visits_and_growth_value_are_told_in_their_own_words(
    custom: Custom, basis: str, zh: str, en: str
) -> None:
    at_least = {"visits": 3, "growth": 9}[basis]
    set_plan(
        basis=basis,
        growth={"per_yuan_bp": 10_000, "per_visit": 5},
        levels=[LEVELS[0], {"code": "silver", "at_least": at_least}],
    )
    phone = custom.shop.member()
    custom.buys(phone, 199)
    assert (told(phone)["text"], told(phone, "en")["text"]) == (zh, en)


def test_everybody_reads_their_own(custom: Custom) -> None:
    set_plan()
    buyer, other = custom.shop.member(), custom.shop.member()
    custom.buys(buyer, 30_000, at=later())
    custom.works(at=later(3))
    assert (told(buyer)["tier"]["code"], told(other)["tier"]["code"]) == ("gold", "normal")
    assert told(other)["amount"] == 0
