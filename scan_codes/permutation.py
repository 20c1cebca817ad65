"""A keyed one-to-one shuffle of member numbers, so that a code shows an alias instead of the number.

An unbalanced Feistel network with modular addition, the construction of NIST SP 800-38G (FF1) with
HMAC-SHA256 as round function: the number is split into two halves, and each round adds a keyed
function of one half to the other. Each round can be undone by subtraction, therefore the whole is
one-to-one on exactly `left_size * right_size` numbers; no table and no retries are needed.
"""

import hmac

MEMBER_NO_MAX = 999_999_999
_LEFT_SIZE = 100_000
_RIGHT_SIZE = 10_000
_ROUNDS = 10  # as many as FF1


def permute(key: bytes, number: int, *, left_size: int = _LEFT_SIZE, right_size: int = _RIGHT_SIZE) -> int:
    """The alias of `number`. Raises ValueError outside 0 ≤ number < left_size × right_size."""
    left, right = _split(number, left_size, right_size)
    for round_no in range(_ROUNDS):
        if round_no % 2 == 0:
            left = (left + _shift(key, round_no, right)) % left_size
        else:
            right = (right + _shift(key, round_no, left)) % right_size
    return left * right_size + right


def unpermute(key: bytes, alias: int, *, left_size: int = _LEFT_SIZE, right_size: int = _RIGHT_SIZE) -> int:
    """The number whose alias this is: `permute` run backwards."""
    left, right = _split(alias, left_size, right_size)
    for round_no in reversed(range(_ROUNDS)):
        if round_no % 2 == 0:
            left = (left - _shift(key, round_no, right)) % left_size
        else:
            right = (right - _shift(key, round_no, left)) % right_size
    return left * right_size + right


def _split(number: int, left_size: int, right_size: int) -> tuple[int, int]:
    if not 0 <= number < left_size * right_size:
        raise ValueError(f"the number must be from 0 to {left_size * right_size - 1}")
    return divmod(number, right_size)


def _shift(key: bytes, round_no: int, half: int) -> int:
    # 64 bits before the modulus: the bias towards small remainders is below 1 in 10^14.
    return int.from_bytes(hmac.digest(key, b"mp1|%d|%d" % (round_no, half), "sha256")[:8], "big")
