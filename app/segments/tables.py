"""Referrals and campaigns, as far as segments read them: their models stand above, so only names are known here.

A test compares them with the model (tests/app/segments/test_segment_fields.py).
"""

from sqlalchemy import column, table

REFERRALS = table(
    "referrals", column("inviter_id"), column("newcomer_id"), column("state"), column("rewarded_at")
)
CAMPAIGNS = table("campaigns", column("id"))
CAMPAIGN_MEMBERS = table(
    "campaign_members",
    column("campaign_id"),
    column("member_id"),
    column("message_id"),
    column("told_at"),
    column("clicked_at"),
)
