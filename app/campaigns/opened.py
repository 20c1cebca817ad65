"""Who comes into the mini-program by a tap on a campaign's message: its page names the campaign, and nothing else."""

from datetime import datetime
from typing import Literal

from sqlalchemy import text

from app.db import transaction
from app.errors import NotFound

#: What the page of a message is given, so that the mini-program can say where somebody comes from, and which one.
From = tuple[Literal["campaign", "automation"], str]

_CLICKED = text("""
    UPDATE campaign_members SET clicked_at = coalesce(clicked_at, :now)
    WHERE campaign_id = :id AND member_id = :member_id AND arm = 'told' AND state = 'planned'""")


def opened(*, campaign_id: str, member_id: int, now: datetime) -> None:
    """The first time counts. Raises `NotFound` for who was not told by it: a link may be passed on."""
    with transaction() as session:
        found = session.execute(_CLICKED, {"id": campaign_id, "member_id": member_id, "now": now})
        if not found.rowcount:  # type: ignore[attr-defined]
            raise NotFound


def page_from(page: str | None, came_from: From) -> str | None:
    """The page with the campaign's id, or the automation's number, in its query."""
    if page is None:
        return None
    kind, which = came_from
    return f"{page}{'&' if '?' in page else '?'}{kind}={which}"
