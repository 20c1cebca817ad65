"""What the buyer of a recorded sale has now, for a receipt on which nothing was earned."""

from datetime import datetime

from app.db import ask, reading
from app.tiers.card import card_of


def points_of_buyer(sale_id: str, *, now: datetime) -> int | None:
    """What the member of that sale may spend; None for a sale without member."""
    with reading() as connection:
        found = ask(connection, "SELECT member_id FROM sales WHERE id = %(id)s", {"id": sale_id})
        if not found or found[0].member_id is None:
            return None
        card = card_of(connection, found[0].member_id, now=now)
    return None if card is None else card.points
