import itertools
import random

from scan_codes.damm import check_digit, is_intact


def test_the_published_example_gives_its_check_digit() -> None:
    assert check_digit("572") == "4"
    assert is_intact("5724")


def test_every_appended_digit_but_the_right_one_is_refused(rng: random.Random) -> None:
    for body in random_bodies(rng, 50):
        assert [d for d in "0123456789" if is_intact(body + d)] == [check_digit(body)]


def test_every_single_wrong_digit_is_caught(rng: random.Random) -> None:
    for body in random_bodies(rng, 100):
        code = body + check_digit(body)
        for at, wrong in itertools.product(range(20), "0123456789"):
            if wrong != code[at]:
                assert not is_intact(code[:at] + wrong + code[at + 1 :])


def test_every_swap_of_neighbours_is_caught(rng: random.Random) -> None:
    for body in random_bodies(rng, 500):
        code = body + check_digit(body)
        for at in range(19):
            if code[at] != code[at + 1]:
                assert not is_intact(code[:at] + code[at + 1] + code[at] + code[at + 2 :])


def test_swaps_and_single_errors_are_caught_wherever_they_stand() -> None:
    """Exhaustive for three digits, which reach every interim value: the rest follows by induction."""
    for a, b, c in itertools.product("0123456789", repeat=3):
        check = check_digit(a + b + c)
        if b != c:
            assert check_digit(a + c + b) != check
        assert all(check_digit(a + b + other) != check for other in "0123456789" if other != c)


def random_bodies(rng: random.Random, count: int) -> list[str]:
    return [f"{rng.randrange(10**19):019d}" for _ in range(count)]
