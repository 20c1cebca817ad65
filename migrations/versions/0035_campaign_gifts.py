"""What campaigns give beside their words, what they may cost, and who came by a tap on the message."""

from alembic import op

revision = "0035_campaign_gifts"
down_revision = "0034_automations"

UP = """
ALTER TABLE campaigns
    ADD COLUMN gift JSONB DEFAULT '{}' NOT NULL,
    ADD COLUMN budget_fen BIGINT,
    ADD COLUMN spent BIGINT DEFAULT 0 NOT NULL,
    ADD CONSTRAINT ck_campaigns_budget_positive CHECK (budget_fen > 0),
    ADD CONSTRAINT ck_campaigns_never_over CHECK (spent BETWEEN 0 AND coalesce(budget_fen * 1000, spent));
ALTER TABLE campaign_members
    ADD COLUMN given BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN message_cost BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN gift_cost BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN clicked_at timestamptz,
    ADD CONSTRAINT ck_campaign_members_held_out_gets_nothing
        CHECK (arm = 'told' OR NOT given AND clicked_at IS NULL),
    ADD CONSTRAINT ck_campaign_members_costs_not_negative CHECK (least(message_cost, gift_cost) >= 0),
    ADD CONSTRAINT ck_campaign_members_gift_cost_of_who_has_it CHECK (given OR gift_cost = 0);
"""
DOWN = """
ALTER TABLE campaign_members DROP COLUMN given, DROP COLUMN message_cost, DROP COLUMN gift_cost,
    DROP COLUMN clicked_at;
ALTER TABLE campaigns DROP COLUMN gift, DROP COLUMN budget_fen, DROP COLUMN spent;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
