"""Changes of credits do not look their member up: the row of credits that they tell of did, when it came."""

from alembic import op

revision = "0037_credits_by_the_million"
down_revision = "0036_outlets"


def upgrade() -> None:
    op.execute("ALTER TABLE subscription_changes DROP CONSTRAINT fk_subscription_changes_member_id")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE subscription_changes ADD CONSTRAINT fk_subscription_changes_member_id"
        " FOREIGN KEY (member_id) REFERENCES members (id)"
    )
