"""Rules and purchases made up for tests of the pure part: no database."""

from datetime import UTC, date, datetime
from typing import Any

from app.checkout.bill import Line
from app.points.earn import Earning, earn
from app.points.fitting import MemberFacts, StoreFacts
from app.points.rules import AppliesTo, Kind, Rule, Stacking, definition_of

NOON = datetime(2031, 5, 14, 4, tzinfo=UTC)  # a Wednesday, noon in Shanghai
SHANGHAI = StoreFacts(id=1, time_zone="Asia/Shanghai")
NOBODY = MemberFacts(tier="normal", birthday=None)


def rule(
    number: int,
    kind: Kind = "base",
    *,
    priority: int = 0,
    stacking: Stacking = "add",
    applies_to: AppliesTo = "sale",
    **definition: Any,
) -> Rule:
    if kind == "base":
        definition = {"rate_bp": 10_000, **definition}
    return Rule(
        id=number,
        rule_no=number,
        version=1,
        name_zh=f"规则{number}",
        name_en=f"Rule {number}",
        applies_to=applies_to,
        definition=definition_of(kind, definition),
        priority=priority,
        stacking=stacking,
        effective_from=datetime(2030, 1, 1, tzinfo=UTC),
        effective_until=None,
    )


def double(number: int, **options: Any) -> Rule:
    return rule(number, "multiplier", **{"factor_bp": 20_000, **options})


def extra(number: int, points: int, **options: Any) -> Rule:
    return rule(number, "extra", points=points, **options)


def line(amount_fen: int, sku: str = "", category: str = "") -> Line:
    return Line(sku=sku, name="", quantity=1, unit_price_fen=amount_fen, category=category)


def buy(
    rules: list[Rule],
    *lines: Line,
    member: MemberFacts = NOBODY,
    store: StoreFacts = SHANGHAI,
    at: datetime = NOON,
    taken: dict[int, int] | None = None,
    applies_to: AppliesTo = "sale",
) -> Earning:
    return earn(
        rules=rules,
        lines=lines or (line(10_000),),
        member=member,
        store=store,
        at=at,
        taken=taken or {},
        applies_to=applies_to,
    )


def born(birthday: date | None, tier: str = "normal") -> MemberFacts:
    return MemberFacts(tier=tier, birthday=birthday)
