"""Referrals, as far as segments read them: their model stands above, so only names are known here.

A test compares them with the model (tests/app/segments/test_segment_fields.py).
"""

from sqlalchemy import column, table

REFERRALS = table(
    "referrals", column("inviter_id"), column("newcomer_id"), column("state"), column("rewarded_at")
)
