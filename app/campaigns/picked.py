"""Who is meant because of what they bought (`may_like`), and has refused that since the campaign began.

Who is meant is frozen when it begins, and a member's turn may come a week later: they need not be told by then.
"""

from collections.abc import Sequence

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


def is_picked(session: Session, segment_id: str | None, version: int | None) -> bool:
    """Whether whom that version of a segment means depends on what they bought; a list has no rule, nor has none."""
    found = session.get(SegmentVersion, (segment_id, version)) if segment_id and version else None
    if found is None or found.rule is None:
        return False
    return any(one.field.name in _FIELDS for one in parse(found.rule).conditions())


def refused_since(session: Session, campaign: Campaign, member_ids: Sequence[int]) -> frozenset[int]:
    """Which of the members, of a campaign whose audience is picked; whoever is free is held against a change of mind
    until the transaction ends."""
    hold_each(session, member_ids, wait=False)
    asked = {"ids": list(member_ids), "began_at": campaign.began_at}
    return frozenset(session.execute(_SINCE, asked).scalars())
