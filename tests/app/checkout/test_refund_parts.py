"""Any split of refunds sums to the sale."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkout.refund_parts import (
    NothingToRefund,
    RefundByLine,
    RefundExceedsSale,
    RefundPart,
    SoldLine,
    Wanted,
    parts_of,
)


def line(line_no: int = 1, **options: int | str) -> SoldLine:
    values = {
        "sku": "A", "quantity": 1, "unit_price_fen": 100, "points": 0, "refunded_quantity": 0, "refunded_fen": 0
    }  # fmt: skip
    return SoldLine(line_no=line_no, **(values | options))  # type: ignore[arg-type]


def after(lines: list[SoldLine], parts: list[RefundPart]) -> list[SoldLine]:
    """The lines once those parts have gone back."""
    back = {part.line_no: part for part in parts}
    none = RefundPart(line_no=0, quantity=0, amount_fen=0, points=0)
    return [
        line(
            one.line_no,
            sku=one.sku,
            quantity=one.quantity,
            unit_price_fen=one.unit_price_fen,
            points=one.points,
            discount_fen=one.discount_fen,
            refunded_quantity=one.refunded_quantity + back.get(one.line_no, none).quantity,
            refunded_fen=one.refunded_fen + back.get(one.line_no, none).amount_fen,
        )
        for one in lines
    ]


def points_of(parts: list[RefundPart]) -> int:
    return sum(part.points for part in parts)


def earned_by_what_went_back(one: SoldLine) -> Fraction:
    if one.amount_fen:
        return Fraction(one.points * one.refunded_fen, one.amount_fen)
    return Fraction(one.points * one.refunded_quantity, one.quantity)


def test_many_lines_that_go_back_by_half_keep_no_point_each() -> None:
    """Two hundred lines of two, each line a point: half of everything takes back half of the points."""
    lines = [line(number, quantity=2, points=1) for number in range(1, 201)]
    done: list[RefundPart] = []
    for one in lines:
        parts = parts_of(lines, Wanted(quantities={one.line_no: 1}), points_back=points_of(done))
        done, lines = done + parts, after(lines, parts)
    assert points_of(done) == 100
    assert points_of(parts_of(lines, Wanted(), points_back=100)) == 100


def test_what_was_rounded_line_by_line_before_is_made_up_for() -> None:
    lines = [
        line(number, quantity=2, points=1, refunded_quantity=1, refunded_fen=100) for number in (1, 2, 3)
    ]
    [part] = parts_of(lines, Wanted(quantities={1: 1}), points_back=0)
    assert part.points == 2


CARTS = st.lists(
    st.tuples(
        st.integers(1, 9), st.sampled_from([0, 1, 7, 99, 12_345]), st.integers(0, 500), st.integers(0, 100)
    ),
    min_size=1,
    max_size=5,
)


@given(cart=CARTS, data=st.data())
def test_line_by_line_in_any_steps_everything_goes_back_and_no_more(
    cart: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    lines = [
        line(
            number,
            quantity=quantity,
            unit_price_fen=price,
            points=points,
            discount_fen=quantity * price * off // 100,
        )
        for number, (quantity, price, points, off) in enumerate(cart, 1)
    ]
    sold = lines
    done: list[RefundPart] = []
    while open_lines := [one for one in lines if one.quantity_left]:
        chosen = data.draw(
            st.lists(st.sampled_from(open_lines), min_size=1, unique_by=lambda one: one.line_no)
        )
        wanted = {one.line_no: data.draw(st.integers(1, one.quantity_left)) for one in chosen}
        parts = parts_of(lines, Wanted(quantities=wanted), points_back=points_of(done))
        assert all(part.points >= 0 and part.amount_fen >= 0 for part in parts)
        done += parts
        lines = after(lines, parts)
        assert points_of(done) == floor(sum(earned_by_what_went_back(one) for one in lines))
    for one in sold:
        mine = [part for part in done if part.line_no == one.line_no]
        assert sum(part.quantity for part in mine) == one.quantity
        assert sum(part.amount_fen for part in mine) == one.amount_fen
    assert points_of(done) == sum(one.points for one in sold)
    with pytest.raises(NothingToRefund):
        parts_of(lines, Wanted(), points_back=0)


@given(amount_fen=st.integers(1, 60), points=st.integers(0, 300), data=st.data())
def test_amount_by_amount_everything_goes_back_and_no_more(
    amount_fen: int, points: int, data: st.DataObject
) -> None:
    lines = [line(sku="", unit_price_fen=amount_fen, points=points)]
    back = 0
    while lines[0].left_fen:
        some = data.draw(st.integers(1, lines[0].left_fen))
        [part] = parts = parts_of(lines, Wanted(amount_fen=some), points_back=back)
        assert part.amount_fen == some
        back += part.points
        lines = after(lines, parts)
        assert back * amount_fen <= points * lines[0].refunded_fen
    assert back == points
    assert lines[0].quantity_left == 0


def test_what_is_left_of_several_lines_goes_back_at_once() -> None:
    lines = [
        line(1, quantity=3, refunded_quantity=1, refunded_fen=100),
        line(2),
        line(3, refunded_quantity=1),
    ]
    assert [
        (part.line_no, part.quantity, part.amount_fen) for part in parts_of(lines, Wanted(), points_back=0)
    ] == [
        (1, 2, 200),
        (2, 1, 100),
    ]


@pytest.mark.parametrize(
    ("quantities", "left"),
    [({1: 4}, (3, 300)), ({2: 1}, (0, 0)), ({1: 3, 9: 1}, (0, 0))],
)
def test_more_than_there_is_does_not_go_back(quantities: dict[int, int], left: tuple[int, int]) -> None:
    with pytest.raises(RefundExceedsSale) as refused:
        parts_of(
            [line(1, quantity=3), line(2, refunded_quantity=1, refunded_fen=100)],
            Wanted(quantities=quantities),
            points_back=0,
        )
    assert (refused.value.data["quantity"], refused.value.data["amount_fen"]) == left


def test_an_amount_is_for_sales_without_lines() -> None:
    for lines in ([line()], [line(sku=""), line(2, sku="")]):
        with pytest.raises(RefundByLine):
            parts_of(lines, Wanted(amount_fen=50), points_back=0)
    with pytest.raises(RefundExceedsSale):
        parts_of([line(sku="")], Wanted(amount_fen=101), points_back=0)
