"""Spending stored value: how much of it is principal and how much bonus."""

from collections.abc import Callable
from dataclasses import dataclass

from app.ledger.post import NotEnough
from app.stored_value.policy import SpendOrder


@dataclass(frozen=True, kw_only=True)
class Split:
    principal_fen: int
    bonus_fen: int


def _bonus_first(amount_fen: int, _: int, bonus_fen: int) -> int:
    return max(0, amount_fen - bonus_fen)


def _principal_first(amount_fen: int, principal_fen: int, _: int) -> int:
    return min(amount_fen, principal_fen)


def _pro_rata(amount_fen: int, principal_fen: int, bonus_fen: int) -> int:
    """By what there is of each; the fen left over goes to the larger remainder, to principal when they are equal."""
    total = principal_fen + bonus_fen
    share, remainder = divmod(amount_fen * principal_fen, total)
    return share + (2 * remainder >= total)


_PRINCIPAL_PART: dict[SpendOrder, Callable[[int, int, int], int]] = {
    "bonus_first": _bonus_first,
    "principal_first": _principal_first,
    "pro_rata": _pro_rata,
}


def split(amount_fen: int, *, principal_fen: int, bonus_fen: int, order: SpendOrder) -> Split:
    """How an amount above 0 is taken from what may be spent. Raises `NotEnough`."""
    if amount_fen > principal_fen + bonus_fen:
        raise NotEnough(unit="stored_value_fen")
    principal = _PRINCIPAL_PART[order](amount_fen, principal_fen, bonus_fen)
    return Split(principal_fen=principal, bonus_fen=amount_fen - principal)
