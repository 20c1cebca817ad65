"""Where rewards are taken from and put back. Ours stands in `reward_stock`.

An inventory outside takes its place by these two moves: it reserves before the exchange opens its transaction, since
none calls the outside world, and what it does in there is to note the reservation, or that it may be given up.
"""

from typing import Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Conflict


class RewardUsedUp(Conflict):
    """None of it is left where it was asked for."""

    code = "reward_used_up"


class Inventory(Protocol):
    def take(self, session: Session, *, item_id: str, store_id: int | None) -> None:
        """One of them, and never more than there are. Raises `RewardUsedUp`."""

    def put_back(self, session: Session, *, item_id: str, store_id: int | None) -> None:
        """One that was taken."""


_TAKE = text("""
    UPDATE reward_stock SET taken = taken + 1
    WHERE item_id = :item_id AND store_id IS NOT DISTINCT FROM :store_id AND offered
        AND (stock IS NULL OR taken < stock)""")
_PUT_BACK = text("""
    UPDATE reward_stock SET taken = taken - 1
    WHERE item_id = :item_id AND store_id IS NOT DISTINCT FROM :store_id""")


class OwnStock:
    """What the back office says there is. Everybody who wants the same waits at its row, so it is taken last."""

    def take(self, session: Session, *, item_id: str, store_id: int | None) -> None:
        taken = session.execute(_TAKE, {"item_id": item_id, "store_id": store_id})
        if not taken.rowcount:  # type: ignore[attr-defined]
            raise RewardUsedUp

    def put_back(self, session: Session, *, item_id: str, store_id: int | None) -> None:
        session.execute(_PUT_BACK, {"item_id": item_id, "store_id": store_id})


INVENTORY: Inventory = OwnStock()
