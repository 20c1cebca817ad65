"""What was drawn, as anybody can work it out who knows the seed; docs/lottery.md has the same in a few lines."""

import hashlib
import hmac
from collections.abc import Sequence

SEED_BYTES = 32


def commitment_of(seed: bytes) -> str:
    """What is published of a seed before the round."""
    return hashlib.sha256(seed).hexdigest()


def player_of(round_id: str, public_id: str) -> str:
    """How a member appears in the list of a round: only who knows the member's id can tell who it is."""
    return hashlib.sha256(f"{round_id}:{public_id}".encode()).hexdigest()[:32]


def number_of(
    seed: bytes, *, round_id: str, draw_no: int, player: str, client_seed: str, weights: Sequence[int]
) -> int:
    """A number below the sum of all weights.

    256 bits for less than 25 bits of weights: no prize is more likely than its share by more than 2 to the -230.
    """
    drawn = hmac.digest(seed, f"{round_id}:{draw_no}:{player}:{client_seed}".encode(), hashlib.sha256)
    return int.from_bytes(drawn, "big") % sum(weights)


def prize_of(number: int, weights: Sequence[int]) -> int:
    """Which prize the number falls on, counted from 1: the first `weights[0]` numbers are the first prize's."""
    for prize_no, weight in enumerate(weights, 1):
        if number < weight:
            return prize_no
        number -= weight
    raise ValueError("the number is not below the sum of all weights")
