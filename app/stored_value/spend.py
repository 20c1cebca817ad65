"""Spending stored value: how much of it is principal and how much bonus, and that it is never more than there is."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app import policies
from app.db import ask
from app.ledger.post import BONUS, PRINCIPAL, Cause, NotEnough, Posting, post
from app.stored_value.balance import held
from app.stored_value.policy import SpendOrder, StoredValuePolicy


@dataclass(frozen=True, kw_only=True)
class Split:
    principal_fen: int
    bonus_fen: int


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What was taken from each, and what may still be spent of each."""

    principal_fen: int
    bonus_fen: int
    principal_after_fen: int
    bonus_after_fen: int


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


# Every account the caller may touch afterwards, in the order in which the ledger takes them: whoever spends and earns
# in one transaction meets others in the same order.
_LOCK = "SELECT id FROM ledger_accounts WHERE member_id = %(member_id)s ORDER BY unit FOR UPDATE"


def spend(session: Session, *, member_id: int, amount_fen: int, cause: Cause) -> Spent:
    """Take an amount above 0 in the order that the policy in force sets, at `cause.occurred_at`.

    Call it before anything else that moves value in the transaction: it locks the member's accounts. Raises `NotEnough`
    when principal and bonus together do not cover it, `AlreadyPosted` when the cause was posted before.
    """
    ask(session, _LOCK, {"member_id": member_id})
    # Only now: what is looked at before the lock may be spent by somebody else while we wait for it.
    before = held(session, member_id, now=cause.occurred_at)
    order = policies.in_force(session, StoredValuePolicy).value.spend_order
    taken = split(amount_fen, principal_fen=before.principal_fen, bonus_fen=before.bonus_fen, order=order)
    movements = (
        Posting(member_id=member_id, unit=PRINCIPAL, amount=-taken.principal_fen, house="principal_spent"),
        Posting(member_id=member_id, unit=BONUS, amount=-taken.bonus_fen, house="bonus_spent"),
    )
    post(session, cause, [movement for movement in movements if movement.amount])
    return Spent(
        principal_fen=taken.principal_fen,
        bonus_fen=taken.bonus_fen,
        principal_after_fen=before.principal_fen - taken.principal_fen,
        bonus_after_fen=before.bonus_fen - taken.bonus_fen,
    )
