"""Birthday gifts: since when a birthday has been known."""

from alembic import op

revision = "0017_gifts"
down_revision = "0010_refunds"

BIRTHDAYS = """
ALTER TABLE members ADD COLUMN birthday_set_at timestamptz;
UPDATE members m SET birthday_set_at = coalesce(
    (SELECT max(a.at) FROM audit_log a WHERE a.action = 'member.change' AND a.object_type = 'member'
        AND a.object_id = m.id::text AND a.data -> 'fields' ? 'birthday'), m.joined_at)
    WHERE m.birthday IS NOT NULL;
ALTER TABLE members ADD CONSTRAINT ck_members_birthday_known CHECK (birthday IS NOT NULL OR birthday_set_at IS NULL);
CREATE INDEX ix_members_birthday ON members (birthday) WHERE birthday IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(BIRTHDAYS)


def downgrade() -> None:
    op.execute("DROP INDEX ix_members_birthday")
    op.execute("ALTER TABLE members DROP CONSTRAINT ck_members_birthday_known, DROP COLUMN birthday_set_at")
