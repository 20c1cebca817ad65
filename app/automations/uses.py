"""What a segment is used for: campaigns that have still to begin, and automations that are on."""

from dataclasses import dataclass

from sqlalchemy import text

from app.db import reading

MOST = 20

# What segments a campaign excludes is a list in JSON; those that have not begun are few.
_CAMPAIGNS = text("""
    SELECT id, name, state FROM campaigns
    WHERE state IN ('in_review', 'scheduled')
        AND (audience_id = :id OR excluded_ids @> to_jsonb(CAST(:id AS text)))
    ORDER BY starts_at NULLS FIRST, id LIMIT :most""")
_AUTOMATIONS = text("""
    SELECT no, name FROM automations WHERE state = 'on' AND segment_id = :id ORDER BY no LIMIT :most""")


@dataclass(frozen=True, kw_only=True)
class CampaignUse:
    id: str
    name: str
    state: str


@dataclass(frozen=True, kw_only=True)
class AutomationUse:
    no: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Uses:
    """At most `MOST` of each, campaigns that begin first before others."""

    campaigns: tuple[CampaignUse, ...]
    automations: tuple[AutomationUse, ...]


def uses_of(segment_id: str) -> Uses:
    """A campaign stops at its hour when the segment asks something else by then, or is put away; an automation goes on
    with the rule that was agreed to."""
    values = {"id": segment_id, "most": MOST}
    with reading() as connection:
        return Uses(
            campaigns=tuple(CampaignUse(**row._mapping) for row in connection.execute(_CAMPAIGNS, values)),
            automations=tuple(
                AutomationUse(**row._mapping) for row in connection.execute(_AUTOMATIONS, values)
            ),
        )
