"""Random bills: against all combinations tried the slow way, and what must hold whatever is on the bill."""

import random
from collections.abc import Collection
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from app.checkout.bill import Line
from app.discounts import search
from app.discounts.pricing import Benefit, BenefitNotApplicable, Priced, best
from tests.app.discounts.pricing_cases import amount, bills, dearest, line, offered, percent
from tests.seeds import examples


@settings(max_examples=examples(250), deadline=None)
@given(bills(), offered(8))
def test_no_combination_takes_off_more_and_none_as_much_with_fewer(
    lines: list[Line], benefits: list[Benefit]
) -> None:
    priced = best(lines, benefits)
    assert priced.complete
    applied = [told for told in priced.told if told.applied]
    assert (priced.discount_fen, len(applied)) == dearest(lines, benefits)


@settings(max_examples=examples(80), deadline=None)
@given(bills(), offered(30), st.randoms(use_true_random=False))
def test_discounts_add_up_and_the_order_of_the_question_does_not_matter(
    lines: list[Line], benefits: list[Benefit], chance: random.Random
) -> None:
    priced = best(lines, benefits)
    check_sums(lines, benefits, priced)
    assert priced.discount_fen >= max((best(lines, [one]).discount_fen for one in benefits), default=0)
    shuffled = benefits.copy()
    chance.shuffle(shuffled)
    assert best(lines, shuffled) == priced


def check_sums(lines: list[Line], benefits: list[Benefit], priced: Priced) -> None:
    assert sorted(told.key for told in priced.told) == sorted(one.key for one in benefits)
    assert all(0 <= off <= one.amount_fen for off, one in zip(priced.line_discounts, lines, strict=True))
    assert priced.discount_fen == sum(priced.line_discounts)
    applied = [told for told in priced.told if told.applied]
    for told in applied:
        assert told.discount_fen == sum(told.line_discounts) > 0
        assert min(told.line_discounts) >= 0
    for place, off in enumerate(priced.line_discounts):
        assert off == sum(told.line_discounts[place] for told in applied)
    groups = [one.group for one in benefits if one.group and one.key in {told.key for told in applied}]
    assert len(groups) == len(set(groups))
    assert all(
        not told.discount_fen and not any(told.line_discounts) for told in priced.told if not told.applied
    )


@settings(max_examples=examples(120), deadline=None)
@given(bills(), offered(8), st.data())
def test_what_is_chosen_is_applied_and_what_is_refused_is_not(
    lines: list[Line], benefits: list[Benefit], data: st.DataObject
) -> None:
    keys = st.sets(st.sampled_from([one.key for one in benefits] or ["none"]), max_size=3)
    chosen = data.draw(keys) & {one.key for one in benefits}
    refused = data.draw(keys) - chosen
    priced = price(lines, benefits, chosen=chosen, refused=refused)
    if priced is None:
        return
    applied = {told.key for told in priced.told if told.applied}
    assert chosen <= applied
    assert not applied & refused
    check_sums(lines, benefits, priced)
    for other in benefits:
        if other.key not in refused:
            few = price(lines, [one for one in benefits if one.key in chosen or one is other], chosen=chosen)
            assert few is None or few.discount_fen <= priced.discount_fen


def price(
    lines: list[Line],
    benefits: list[Benefit],
    *,
    chosen: set[str],
    refused: Collection[str] = frozenset(),
) -> Priced | None:
    """None if something chosen cannot be applied."""
    try:
        return best(lines, benefits, chosen=chosen, refused=refused)
    except BenefitNotApplicable:
        return None


def test_nine_benefits_are_always_searched_to_the_end() -> None:
    @cache
    def looks(offers: int) -> int:
        """What it takes when nothing is ever ruled out."""
        below = sum(left + 1 + (looks(left) if left else 0) for left in range(offers))
        return search._TAKING + offers + below

    assert looks(9) <= search.MOST_LOOKS < looks(10)


def test_when_the_search_ends_early_it_says_so_and_no_single_benefit_is_better() -> None:
    chance = random.Random(5)
    lines = [line(chance.randint(300, 9_000), quantity=chance.randint(1, 3)) for _ in range(20)]
    benefits = [
        amount(f"b{n}", chance.randint(500, 9_000), at_least_fen=chance.randint(20_000, 90_000))
        for n in range(30)
    ]
    priced = best(lines, benefits)
    assert not priced.complete
    check_sums(lines, benefits, priced)
    assert priced.discount_fen >= max(best(lines, [one]).discount_fen for one in benefits)


def test_thirty_that_all_add_up_are_searched_to_the_end() -> None:
    lines = [line(1_000 + 37 * n) for n in range(20)]
    assert best(lines, [percent(f"b{n}", 100 + 40 * n) for n in range(30)]).complete
