import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan_codes.permutation import MEMBER_NO_MAX, permute, unpermute

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))


@pytest.mark.parametrize(("left_size", "right_size"), [(2, 3), (3, 2), (7, 5), (1, 11), (10, 10), (100, 10)])
@pytest.mark.parametrize("key", [KEY, OTHER_KEY, b"\0" * 32])
def test_on_a_small_domain_every_number_has_exactly_one_alias(
    key: bytes, left_size: int, right_size: int
) -> None:
    domain = range(left_size * right_size)
    aliases = [permute(key, n, left_size=left_size, right_size=right_size) for n in domain]
    assert sorted(aliases) == list(domain)
    assert [unpermute(key, a, left_size=left_size, right_size=right_size) for a in aliases] == list(domain)


@given(key=st.binary(min_size=32, max_size=32), number=st.integers(0, MEMBER_NO_MAX))
@settings(deadline=None)
def test_on_the_full_domain_both_directions_undo_each_other(key: bytes, number: int) -> None:
    """A map of a finite set to itself that can be undone for every element is one-to-one and onto."""
    assert unpermute(key, permute(key, number)) == number
    assert permute(key, unpermute(key, number)) == number


def test_five_thousand_neighbours_have_different_aliases() -> None:
    assert len({permute(KEY, number) for number in range(5_000)}) == 5_000


@pytest.mark.parametrize("number", [0, 1, 9_999, 10_000, MEMBER_NO_MAX - 1, MEMBER_NO_MAX])
def test_the_edges_of_the_domain_come_back(number: int) -> None:
    assert unpermute(KEY, permute(KEY, number)) == number


@pytest.mark.parametrize("number", [-1, MEMBER_NO_MAX + 1, 10**18])
def test_numbers_outside_the_domain_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 999999999"):
        permute(KEY, number)
    with pytest.raises(ValueError, match="from 0 to 999999999"):
        unpermute(KEY, number)


def test_another_key_gives_other_aliases(rng: random.Random) -> None:
    numbers = [rng.randrange(MEMBER_NO_MAX + 1) for _ in range(1_000)]
    same = [n for n in numbers if permute(KEY, n) == permute(OTHER_KEY, n)]
    assert len(same) <= 1


def test_consecutive_numbers_spread_over_all_digits() -> None:
    """Fixed key and numbers, so the figure is fixed: chi-square over ten digits, 9 degrees of freedom."""
    aliases = [f"{permute(KEY, number):09d}" for number in range(10_000)]
    for at in range(9):
        counts = [sum(alias[at] == digit for alias in aliases) for digit in "0123456789"]
        assert sum((count - 1_000) ** 2 / 1_000 for count in counts) < 33.7  # 1 in 10,000


def test_consecutive_numbers_do_not_get_consecutive_aliases() -> None:
    aliases = [permute(KEY, number) for number in range(1_000)]
    assert all(abs(a - b) > 1 for a, b in pairwise(aliases))
