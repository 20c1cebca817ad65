"""Who is meant because of what they bought (`may_like`), and has refused that since the campaign began.

Who is meant is frozen when it begins, and a member's turn may come a week later: they need not be told by then.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.members.models import PERSONALISED
from app.messages.may import hold_each
from app.segments.fields.recommended import RECOMMENDED
from app.segments.models import SegmentVersion
from app.segments.rule import parse

_FIELDS = frozenset(field.name for field in RECOMMENDED)
# Who had refused it before is meant for another reason, if at all.
_SINCE = text(f"""
    SELECT o.member_id FROM marketing_opt_outs o
    WHERE o.member_id = ANY(CAST(:ids AS bigint[])) AND o.channel = '{PERSONALISED}' AND EXISTS (
        SELECT FROM marketing_choices c
        WHERE c.member_id = o.member_id AND c.channel = '{PERSONALISED}' AND c.at >= :began_at)""")  # noqa: S608


def picks(rule: Mapping[str, Any] | None) -> bool:
    """Whether whom it means depends on what is picked by their purchases; a list (None) does not."""
    return rule is not None and any(one.field.name in _FIELDS for one in parse(dict(rule)).conditions())


def is_picked(session: Session, campaign: Campaign) -> bool:
    """By the audience as it was when the campaign began."""
    version = (campaign.versions or {}).get(campaign.audience_id)
    found = session.get(SegmentVersion, (campaign.audience_id, version)) if version is not None else None
    return found is not None and picks(found.rule)


def refused_since(session: Session, campaign: Campaign, member_ids: Sequence[int]) -> frozenset[int]:
    """Which of the members, of a campaign whose audience is picked; whoever is free is held against a change of mind
    until the transaction ends."""
    hold_each(session, member_ids, wait=False)
    asked = {"ids": list(member_ids), "began_at": campaign.began_at}
    return frozenset(session.execute(_SINCE, asked).scalars())
