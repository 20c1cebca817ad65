"""Random carts: whatever lowers and pays a bill, its equations hold to the fen and to the point."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.checkout.bill import Line
from app.checkout.pricing import Purse, RoundingPolicy, Terms, Wishes, price
from app.checkout.quoted import Priced
from app.discounts.pricing import Benefit
from app.points.fitting import MemberFacts, StoreFacts
from app.points.pay import PointsPaymentPolicy
from app.points.rules import Base, Conditions, Extra, Multiplier, Rule
from app.stored_value.policy import StoredValuePolicy
from tests.app.discounts.pricing_cases import bills, offered

NOW = datetime(2030, 1, 1, 4, tzinfo=UTC)
STORE = StoreFacts(id=1, time_zone="Asia/Shanghai")
MEMBER = MemberFacts(tier="gold", birthday=None)
FOOD = Conditions(categories=frozenset({"food"}))


def rule(number: int, definition: Base | Multiplier | Extra) -> Rule:
    return Rule(
        id=number,
        rule_no=number,
        version=1,
        name_zh="规则",
        name_en="Rule",
        definition=definition,
        applies_to="sale",
        priority=0,
        stacking="add",
        effective_from=NOW,
        effective_until=None,
    )


RULES = (
    rule(1, Base(rate_bp=10_000)),
    rule(2, Base(rate_bp=30_000, conditions=FOOD)),
    rule(3, Multiplier(factor_bp=15_000)),
)

PURSES = st.builds(
    Purse,
    points=st.integers(0, 30_000),
    principal_fen=st.integers(0, 30_000),
    bonus_fen=st.integers(0, 30_000),
)
WISHES = st.builds(
    Wishes, best=st.booleans(), points=st.integers(0, 30_000), balance_fen=st.integers(0, 40_000)
)
TERMS = st.builds(
    Terms,
    earning=st.just(RULES),
    paying=st.builds(
        PointsPaymentPolicy,
        points_per_yuan=st.sampled_from([None, 1, 30, 100, 1_000]),
        step_points=st.sampled_from([1, 100]),
        most_share_bp=st.sampled_from([10_000, 3_333]),
    ),
    rounding=st.builds(RoundingPolicy, down_to_fen=st.sampled_from([1, 10, 100])),
    stored_value=st.builds(
        StoredValuePolicy, spend_order=st.sampled_from(["pro_rata", "bonus_first", "principal_first"])
    ),
    versions=st.just({}),
    taken=st.just({}),
)


def priced(
    lines: Sequence[Line], benefits: Sequence[Benefit], purse: Purse, terms: Terms, wishes: Wishes
) -> Priced:
    return price(
        lines,
        benefits=benefits,
        member=MEMBER,
        store=STORE,
        purse=purse,
        terms=terms,
        wishes=wishes,
        at=NOW,
    )


@given(lines=bills(), benefits=offered(6), purse=PURSES, terms=TERMS, wishes=WISHES)
def test_a_bill_adds_up(
    lines: list[Line], benefits: list[Benefit], purse: Purse, terms: Terms, wishes: Wishes
) -> None:
    found = priced(lines, benefits, purse, terms, wishes)
    balance, earning = found.balance, found.earning
    assert found.goods_fen == sum(line.amount_fen for line in lines)
    assert found.amount_fen == found.goods_fen - found.discount_fen
    assert found.payable_fen == found.amount_fen - found.points.fen - balance.amount_fen
    assert min(found.payable_fen, found.points.fen, balance.principal_fen, balance.bonus_fen) >= 0
    assert found.points.points <= min(wishes.points, purse.points)
    assert balance.amount_fen <= min(wishes.balance_fen, balance.most_fen)
    assert balance.principal_fen <= purse.principal_fen
    assert balance.bonus_fen <= purse.bonus_fen
    # Lines: their discounts, reason by reason, are the bill's; nothing costs less than nothing.
    assert found.discount_fen == sum(line.discount_fen for line in found.lines)
    for line in found.lines:
        assert line.discount_fen == sum(part.discount_fen for part in line.discounts)
        assert 0 <= line.excluded_fen <= line.amount_fen
    told = {one.told.key: one.told.discount_fen for one in found.benefits if one.told.applied}
    by_reason = {part.benefit: part.discount_fen for part in found.discounts}
    assert by_reason.pop("rounding", 0) == found.rounding_fen
    assert by_reason == told
    # Rounding: less than a step, of what the till takes in alone.
    step = terms.rounding.down_to_fen
    assert 0 <= found.rounding_fen < step
    assert found.payable_fen % step == 0 or found.payable_fen < step  # never to nothing
    # Earning: on money alone, and line by line.
    assert sum(line.excluded_fen for line in found.lines) == found.points.fen + balance.bonus_fen
    assert earning.points == sum(line.points for line in found.lines) == sum(p.points for p in earning.parts)
    money_fen = found.payable_fen + balance.principal_fen
    assert earning.points <= money_fen * 3 * 15 // 1_000
    bases = [part for part in earning.parts if part.kind == "base"]
    assert sum(part.amount_fen for part in bases) == (money_fen if bases else 0)


@given(lines=bills(), benefits=offered(6), purse=PURSES, terms=TERMS, wishes=WISHES)
def test_the_same_question_has_the_same_answer(
    lines: list[Line], benefits: list[Benefit], purse: Purse, terms: Terms, wishes: Wishes
) -> None:
    assert priced(lines, benefits, purse, terms, wishes) == priced(
        lines, list(reversed(benefits)), purse, terms, wishes
    )


@given(lines=bills(), purse=PURSES, terms=TERMS, wishes=WISHES)
def test_nobody_gets_nothing(lines: list[Line], purse: Purse, terms: Terms, wishes: Wishes) -> None:
    found = price(
        lines,
        benefits=(),
        member=None,
        store=STORE,
        purse=Purse(),
        terms=terms,
        wishes=wishes,
        at=NOW,
    )
    assert (found.points.points, found.balance.amount_fen, found.earning.points) == (0, 0, 0)
    step = terms.rounding.down_to_fen
    rounded = found.goods_fen % step if found.goods_fen >= step else 0
    assert found.discount_fen == found.rounding_fen == rounded
