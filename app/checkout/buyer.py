"""What the buyer of a recorded sale has now, for a receipt on which nothing was earned."""

from datetime import datetime

from app.db import ask, reading
from app.tiers.card import Card, card_of


def card_of_buyer(sale_id: str, *, now: datetime) -> Card | None:
    """The card of that sale's member; None for a sale without member."""
    with reading() as connection:
        found = ask(connection, "SELECT member_id FROM sales WHERE id = %(id)s", {"id": sale_id})
        if not found or found[0].member_id is None:
            return None
        return card_of(connection, found[0].member_id, now=now)
