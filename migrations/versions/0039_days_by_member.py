"""What members bought by day: the key holds the figures too, so that they are read from it alone, in order.

Workers that count and segments wait for it, some seconds for millions of days; tills do not.
"""

from alembic import op

revision = "0039_days_by_member"
down_revision = "0038_once_by_version"


def upgrade() -> None:
    _key("INCLUDE (purchases, spent_fen)")


def downgrade() -> None:
    _key("")


def _key(holds: str) -> None:
    op.execute(
        "ALTER TABLE member_days DROP CONSTRAINT pk_member_days,"
        f" ADD CONSTRAINT pk_member_days PRIMARY KEY (member_id, day) {holds}"
    )
