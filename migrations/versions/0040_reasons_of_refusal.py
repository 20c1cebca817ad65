"""Why somebody said no is told to who asked, and one's own requests are found by who asked."""

from alembic import op

revision = "0040_reasons_of_refusal"
down_revision = "0039_days_by_member"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE approval_requests ADD COLUMN reason VARCHAR(200),"
        " ADD CONSTRAINT ck_approval_requests_reason"
        " CHECK (reason IS NULL OR state IN ('rejected', 'withdrawn'));"
        "CREATE INDEX ix_approval_requests_own ON approval_requests (requested_by, id)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_approval_requests_own; ALTER TABLE approval_requests DROP COLUMN reason")
