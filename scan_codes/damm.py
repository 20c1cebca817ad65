"""The Damm check digit: one digit that catches every single wrong digit and every adjacent swap.

Source: H. Michael Damm, "Total anti-symmetrische Quasigruppen", 2004. The table is the one of the
dissertation: a totally anti-symmetric quasigroup of order 10 with a zero diagonal.
"""

_TABLE = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def check_digit(digits: str) -> str:
    """The digit to append to `digits` (ASCII digits only)."""
    return str(_run(digits))


def is_intact(digits_with_check: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    return _run(digits_with_check) == 0


def _run(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = _TABLE[interim][ord(digit) - ord("0")]
    return interim
