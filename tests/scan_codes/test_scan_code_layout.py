import pytest

from scan_codes import (
    CodeMalformed,
    KeyRing,
    PaymentCode,
    check_prefix,
    is_payment_code,
    issue,
    verify,
)

ALLOWED_PREFIXES = [str(n) for n in range(10, 100) if n not in {*range(10, 16), *range(25, 31), 62}]


@pytest.mark.parametrize("suffix", ["\r", "\n", "\r\n", "\t", "\x1d", "\x1d\r\n", " ", " \r\n"])
@pytest.mark.parametrize("lead", ["", "\x1d", " ", "\n"])
def test_what_a_scanner_adds_around_the_digits_is_dropped(
    ring: KeyRing, step: int, lead: str, suffix: str
) -> None:
    assert verify(ring, lead + issue(ring, 42, step) + suffix, step).member_no == 42


@pytest.mark.parametrize("separator", [" ", "-"])
@pytest.mark.parametrize("group", [1, 2, 3, 4, 5, 10])
def test_a_code_may_be_typed_in_groups(ring: KeyRing, step: int, separator: str, group: int) -> None:
    code = issue(ring, 42, step)
    typed = separator.join(code[at : at + group] for at in range(0, 20, group))
    assert verify(ring, typed, step).member_no == 42


@pytest.mark.parametrize("prefix", ALLOWED_PREFIXES)
def test_no_code_of_ours_is_taken_for_a_payment_code(ring: KeyRing, step: int, prefix: str) -> None:
    assert check_prefix(prefix) == prefix
    assert not is_payment_code(issue(ring, 42, step, prefix=prefix))


@pytest.mark.parametrize(
    "prefix",
    [
        *map(str, range(10, 16)),
        *map(str, range(25, 31)),
        "62",
        *(f"{n:02d}" for n in range(10)),
        "",
        "9",
        "900",
        "9x",
        " 9",
        "\uff19\uff10",
    ],
)
def test_a_prefix_that_collides_or_is_no_prefix_is_refused(ring: KeyRing, step: int, prefix: str) -> None:
    code = issue(ring, 42, step)
    for use in (
        lambda: check_prefix(prefix),
        lambda: issue(ring, 42, step, prefix=prefix),
        lambda: verify(ring, code, step, prefix=prefix),
    ):
        with pytest.raises(ValueError, match="a prefix is two digits"):
            use()


def test_a_code_with_another_prefix_is_not_ours(ring: KeyRing, step: int) -> None:
    with pytest.raises(CodeMalformed):
        verify(ring, issue(ring, 42, step, prefix="88"), step)


PAYMENT_CODES = [
    *(f"{start}{'7' * 16}" for start in range(10, 16)),
    *(f"{start}{'7' * (length - 2)}" for start in range(25, 31) for length in range(16, 25)),
    "62" + "7" * 17,
    "fp" + "0123456789abcdefghijklmnopqrstuvw",
]


@pytest.mark.parametrize("text", PAYMENT_CODES)
@pytest.mark.parametrize("suffix", ["", "\r\n", "\t", "\x1d"])
def test_payment_codes_are_known_by_their_own_word(ring: KeyRing, step: int, text: str, suffix: str) -> None:
    assert is_payment_code(text + suffix)
    with pytest.raises(PaymentCode):
        verify(ring, text + suffix, step)


def test_a_payment_code_typed_in_groups_is_still_one() -> None:
    assert is_payment_code("1345 6789 0123 4567 89")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "134567",
        "1" * 17,
        "1" * 19,
        "09" + "7" * 16,
        "16" + "7" * 16,
        "24" + "7" * 16,
        "31" + "7" * 16,
        "25" + "7" * 13,
        "30" + "7" * 23,
        "62" + "7" * 16,
        "62" + "7" * 18,
        "fp",
        "fp" + "7" * 32,
        "13" + "7" * 100_000,
    ],
)
def test_what_lies_just_outside_the_published_forms_is_no_payment_code(text: str) -> None:
    assert not is_payment_code(text)
