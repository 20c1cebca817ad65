"""What lowers a bill, by examples."""

import pytest

from app.discounts.pricing import (
    BenefitNotApplicable,
    FreePieces,
    PercentOff,
    PerFull,
    Priced,
    SpecialPrice,
    Told,
    best,
)
from tests.app.discounts.pricing_cases import amount, benefit, line, percent

TEA, CUP = line(3_000, "TEA", "drinks"), line(5_001, "CUP", "ware")


def told(priced: Priced, key: str) -> Told:
    return next(one for one in priced.told if one.key == key)


def test_five_per_cent_for_gold_members_is_rounded_down_and_shared_by_price() -> None:
    priced = best([TEA, CUP], [percent("tier", 500)])
    assert priced.line_discounts == (150, 250)
    assert priced.discount_fen == 400
    assert told(priced, "tier").reason == "applied"


def test_ten_yuan_off_are_shared_to_the_fen_and_of_equal_lines_the_earlier_gets_more() -> None:
    assert best([line(100), line(100), line(100)], [amount("a", 200)]).line_discounts == (67, 67, 66)


def test_a_percentage_stops_at_its_most() -> None:
    assert best([TEA], [benefit("a", PercentOff(percent_bp=5_000, most_fen=700))]).discount_fen == 700


def test_a_discount_never_exceeds_the_bill() -> None:
    assert best([TEA, CUP], [amount("a", 100_000)]).line_discounts == (3_000, 5_001)


@pytest.mark.parametrize(
    ("amount_fen", "off_fen"), [(9_999, 0), (10_000, 1_000), (35_000, 3_000), (60_000, 4_000)]
)
def test_every_hundred_yuan_ten_off_four_times_at_most(amount_fen: int, off_fen: int) -> None:
    rule = benefit("full", PerFull(every_fen=10_000, off_fen=1_000, most_times=4))
    assert best([line(amount_fen)], [rule]).discount_fen == off_fen


def test_a_special_price_is_for_each_piece_and_only_where_it_is_lower() -> None:
    lines = [line(1_500, "TEA", quantity=3), line(900, "TEA"), line(2_000, "CUP")]
    rule = benefit("price", SpecialPrice(price_fen=990), products=["TEA"])
    assert best(lines, [rule]).line_discounts == (3 * 510, 0, 0)
    assert told(best([lines[1]], [rule]), "price").reason == "no_saving"


def test_the_one_with_the_higher_priority_works_first_and_the_next_on_what_is_left() -> None:
    ten, fifth = amount("ten", 1_000), percent("fifth", 2_000, priority=1)
    assert best([line(10_000)], [ten, fifth]).discount_fen == 2_000 + 1_000
    assert [one.key for one in best([line(10_000)], [ten, fifth]).told] == ["fifth", "ten"]
    first = amount("ten", 1_000, priority=2)
    assert best([line(10_000)], [first, fifth]).discount_fen == 1_000 + 1_800


def test_a_discount_for_a_category_is_for_its_lines_only() -> None:
    assert best([TEA, CUP], [percent("drinks", 5_000, categories=["drinks"])]).line_discounts == (1_500, 0)
    assert told(best([CUP], [percent("drinks", 5_000, categories=["drinks"])]), "drinks").reason == (
        "no_matching_goods"
    )


def test_who_buys_too_little_is_told_how_much_is_missing() -> None:
    rule = amount("coupon", 1_000, at_least_fen=5_000, at_least_pieces=3, categories=["drinks"])
    found = told(best([line(1_900, "TEA", "drinks", quantity=2), CUP], [rule]), "coupon")
    assert (found.reason, found.missing_fen, found.missing_pieces) == ("below_threshold", 1_200, 1)
    every = benefit("full", PerFull(every_fen=10_000, off_fen=1_000))
    assert told(best([line(8_800)], [every]), "full").missing_fen == 1_200


def test_a_threshold_is_about_what_the_goods_cost_after_what_came_before() -> None:
    coupon = amount("coupon", 500, at_least_fen=10_000)
    priced = best([line(10_000)], [percent("tier", 1_000, priority=1), coupon])
    assert priced.discount_fen == 1_000
    assert (told(priced, "coupon").reason, told(priced, "coupon").missing_fen) == ("below_threshold", 1_000)


def test_a_small_discount_gives_way_if_a_larger_one_then_reaches_its_threshold() -> None:
    priced = best(
        [line(10_000)], [percent("tier", 100, priority=1), amount("coupon", 5_000, at_least_fen=10_000)]
    )
    assert priced.discount_fen == 5_000
    assert told(priced, "tier").reason == "less_than_others"


def test_of_one_group_the_best_counts_and_the_others_say_which() -> None:
    priced = best(
        [TEA], [amount("a", 300, group="coupon"), amount("b", 900, group="coupon"), amount("c", 100)]
    )
    assert priced.discount_fen == 1_000
    assert (told(priced, "a").reason, told(priced, "a").other) == ("not_combinable", "b")


def test_what_stands_alone_counts_only_if_it_is_better_than_all_others_together() -> None:
    others = [amount("a", 300), amount("b", 400)]
    more = best([TEA], [*others, amount("alone", 800, alone=True)])
    assert [one.key for one in more.told if one.applied] == ["alone"]
    assert told(more, "a").other == "alone"
    less = best([TEA], [*others, amount("alone", 600, alone=True)])
    assert less.discount_fen == 700
    assert (told(less, "alone").reason, told(less, "alone").other) == ("not_combinable", "a")


def test_of_two_ways_to_the_same_price_the_one_with_fewer_benefits_is_taken() -> None:
    priced = best([TEA], [amount("a", 300), amount("b", 2_700), amount("c", 3_000)])
    assert [one.key for one in priced.told if one.applied] == ["c"]
    assert [told(priced, key).reason for key in ("a", "b")] == ["less_than_others"] * 2


def test_what_saves_less_than_it_is_worth_is_left_out_unless_it_is_chosen() -> None:
    card = benefit("card", FreePieces(), products=["TEA"], worth_fen=1_500)
    cheap = [line(807, "TEA"), CUP]
    left = best(cheap, [card])
    assert (left.discount_fen, told(left, "card").reason, left.complete) == (0, "below_use_value", True)
    assert best(cheap, [card], chosen={"card"}).discount_fen == 807
    assert told(best([CUP], [card]), "card").reason == "no_matching_goods"
    assert best([line(1_500, "TEA")], [card]).discount_fen == 1_500


def test_what_it_saves_counts_when_its_turn_comes() -> None:
    """Half the price first leaves too little for the card, so one of the two does without the other."""
    card = benefit("card", FreePieces(), products=["TEA"], worth_fen=1_500)
    half = percent("half", 5_000, priority=1)
    small = best([line(2_000, "TEA")], [card, half])
    assert (small.discount_fen, told(small, "half").reason) == (2_000, "less_than_others")
    large = best([line(2_000, "TEA"), line(9_000, "CUP")], [card, half])
    assert (large.discount_fen, told(large, "card").reason) == (5_500, "below_use_value")
    both = best([line(2_000, "TEA"), line(9_000, "CUP")], [card, half], chosen={"card"})
    assert both.discount_fen == 5_500 + 1_000


def test_what_comes_with_a_refusal_is_told_as_it_came() -> None:
    priced = best([TEA], [amount("a", 300, refusal="not_your_tier"), amount("b", 200)], refused={"b"})
    assert priced.discount_fen == 0
    assert [one.reason for one in priced.told] == ["not_your_tier", "refused"]


def test_what_is_chosen_counts_even_if_another_would_take_off_more() -> None:
    coupons = [amount("a", 300, group="coupon"), amount("b", 900, group="coupon"), percent("tier", 1_000)]
    priced = best([TEA], coupons, chosen={"a"})
    assert [one.key for one in priced.told if one.applied] == ["a", "tier"]
    assert (told(priced, "b").reason, told(priced, "b").other) == ("not_combinable", "a")


def test_a_chosen_one_that_stands_alone_keeps_all_others_away() -> None:
    priced = best([TEA], [amount("a", 300, alone=True), percent("tier", 5_000)], chosen={"a"})
    assert priced.discount_fen == 300


def test_what_would_push_a_chosen_one_below_its_threshold_is_left_out() -> None:
    tier, coupon = percent("tier", 1_000, priority=1), amount("coupon", 500, at_least_fen=10_000)
    assert best([line(10_000)], [tier, coupon], chosen={"coupon"}).discount_fen == 500


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"nobody"}, {"benefit": "nobody", "reason": "unknown"}),
        ({"tier"}, {"benefit": "tier", "reason": "not_your_tier"}),
        ({"cup"}, {"benefit": "cup", "reason": "no_matching_goods"}),
        ({"more"}, {"benefit": "more", "reason": "below_threshold", "missing_fen": 7_000}),
        ({"a", "b"}, {"benefit": "b", "reason": "not_combinable", "other": "a"}),
        ({"a", "alone"}, {"benefit": "alone", "reason": "not_combinable", "other": "a"}),
        ({"half", "z"}, {"benefit": "z", "reason": "below_threshold", "missing_fen": 1_500, "other": "half"}),
    ],
)
def test_what_is_chosen_and_cannot_be_applied_says_why(chosen: set[str], expected: dict[str, object]) -> None:
    benefits = [
        percent("tier", 500, refusal="not_your_tier"),
        amount("cup", 100, products=["CUP"]),
        amount("more", 100, at_least_fen=10_000),
        amount("a", 100, group="coupon"),
        amount("b", 100, group="coupon"),
        amount("alone", 100, alone=True),
        percent("half", 5_000),
        amount("z", 100, at_least_fen=3_000),
    ]
    with pytest.raises(BenefitNotApplicable) as refusal:
        best([TEA], benefits, chosen=chosen)
    assert {name: value for name, value in refusal.value.data.items() if value} == expected


def test_to_choose_and_refuse_the_same_is_no_choice() -> None:
    with pytest.raises(BenefitNotApplicable) as refusal:
        best([TEA], [amount("a", 100)], chosen={"a"}, refused={"a"})
    assert refusal.value.data["reason"] == "refused"


def test_a_bill_of_nothing_costs_nothing() -> None:
    assert best([], [amount("a", 100)]).discount_fen == 0
    free = best([line(0)], [amount("a", 100)])
    assert (free.discount_fen, free.told[0].reason) == (0, "no_saving")
