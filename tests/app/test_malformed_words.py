"""What does not fit together is said in words, whoever found it: the reader of types, or a line of ours."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app import policies
from app.discounts import rules as discounts
from app.errors import DomainError
from app.points.rule_limits import EarningPolicy
from app.points.rules import definition_of
from app.texts import refusal_text
from app.texts.malformed import malformed_text
from app.texts.malformed_campaigns import OF_A_CAMPAIGNS_PLACE
from app.tiers.plan import plan_of
from tests.conftest import ROOT

PERCENT = {"kind": "percent", "percent_bp": 500}


def base(data: dict[str, Any]) -> object:
    return definition_of("base", {"rate_bp": 1, **data})


def discount(data: dict[str, Any]) -> object:
    return discounts.definition_of({"effect": PERCENT, **data})


def policy(data: dict[str, Any]) -> object:
    return policies.read(EarningPolicy, data)


@pytest.mark.parametrize(
    ("read", "data", "zh", "en"),
    [
        (discounts.definition_of, {}, "effect 必填。", "effect is required."),
        (discount, {"effect": {"kind": "percent"}}, "effect.percent_bp 必填。", "effect.percent_bp is required."),
        (discount, {"effect": {"kind": "moon"}}, "effect.kind 不在可选范围内。", "effect.kind is none of those"),
        (base, {"moon": 1}, "moon 没有这个字段。", "moon is not a field there."),
        (base, {"rate_bp": "1"}, "rate_bp 须为整数。", "rate_bp must be a whole number."),
        (base, {"rate_bp": -1}, "rate_bp 不能小于 0。", "rate_bp must be 0 or more."),
        (base, {"rate_bp": 1_000_001}, "rate_bp 不能大于 1000000。", "rate_bp must be 1000000 or less."),
        (base, {"caps": {"per_day": "a"}}, "per_day 须为整数或 null。", "per_day must be a whole number or null."),
        (base, {"expiry": {"kind": "days"}}, "expiry 为 days 时须填 n", "expiry of kind days needs an n of 1 to 3660."),
        (base, {"conditions": {"weekdays": [8]}}, "weekdays[0] 不能大于 7。", "weekdays[0] must be 7 or less."),
        (base, {"conditions": {"stores": []}}, "stores 长度不能小于 1", "conditions.stores must have a length"),
        (base, {"conditions": {"dates": ["x"]}}, "conditions.dates[0] 须为日期。", "dates[0] must be a date."),
        (base, {"conditions": []}, "conditions 须为 JSON 对象。", "conditions must be a JSON object."),
        (plan_of, {"levels": [{"code": "A", "at_least": 0}]}, "levels[0].code 写法不正确。", "levels[0].code is not"),
        (plan_of, {"basis": "moon"}, "basis 不在可选范围内。", "basis is none of those"),
        (policy, {"alone_points": None}, "alone_points 须为整数。", "alone_points must be a whole number."),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(
    read: Callable[[dict[str, Any]], object], data: dict[str, Any], zh: str, en: str
) -> None:
    with pytest.raises(DomainError) as refused:
        read(data)
    error = refused.value
    assert zh in refusal_text(error.code, error.data, "zh")
    assert en in refusal_text(error.code, error.data, "en")


def reasons() -> Iterator[str]:
    """Every line of ours, with some word in each of its places."""
    for top in ("app", "office_api"):
        for path in sorted((ROOT / top).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                    "RuleMalformed",
                    "OfferMalformed",
                    "PlanMalformed",
                    "ActivityMalformed",
                ):
                    for keyword in node.keywords:
                        if isinstance(keyword.value, ast.Constant | ast.JoinedStr):
                            yield re.sub(r"{[^}]*}", "7", ast.unparse(keyword.value).lstrip("f").strip("'\""))


def test_every_line_of_ours_has_its_words() -> None:
    found = list(reasons())
    assert len(found) > 15
    for language in ("zh", "en"):
        assert [one for one in found if malformed_text("rule_malformed", one, language) is None] == []


def test_every_misfit_has_its_words() -> None:
    found = set()
    for path in sorted(
        [*(ROOT / "app" / "campaigns").rglob("*.py"), *(ROOT / "app" / "automations").rglob("*.py")]
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "misfit":
                found |= {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
    assert found == set(OF_A_CAMPAIGNS_PLACE) - {"the channel needs it", "it belongs to another channel"}
    for language in ("zh", "en"):
        for fault in OF_A_CAMPAIGNS_PLACE:
            told = malformed_text("campaign_malformed", f"{fault} - at `$.content.inbox`", language)
            assert told is not None
            assert "content.inbox" in told
            assert "{{" not in told


@pytest.mark.parametrize(
    ("reason", "zh"),
    [
        ("values.cost: this template does not ask for it", "活动设置有误：这个模板不需要填 values.cost。"),
        (
            "values.cost_points: whole, 1 to 10000",
            "活动设置有误：values.cost_points 须为 1 到 10000 之间的整数。",
        ),
        ("reward: it gives nothing", "活动设置有误：reward 什么都没有给。"),
        ("question 2: there are at least two options", "活动设置有误：第 2 题至少要有两个选项。"),
    ],
)
def test_what_is_wrong_with_an_activity_is_told_in_words(reason: str, zh: str) -> None:
    assert refusal_text("activity_malformed", {"reason": reason}, "zh") == zh
    assert refusal_text("activity_malformed", {"reason": reason}, "en").isascii()


def test_what_nobody_foresaw_is_told_as_before() -> None:
    assert malformed_text("rule_malformed", "Something new", "zh") is None
    assert refusal_text("rule_malformed", {"reason": "Something new"}, "en").startswith(
        "The rule does not fit"
    )
    assert malformed_text("busy", "Integer value out of range", "zh") is None
