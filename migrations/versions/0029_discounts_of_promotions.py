"""A promotion may take something off: its rules stand in two books."""

from alembic import op

revision = "0029_discounts_of_promotions"
down_revision = "0028_coupon_holdings"

UP = """
ALTER TABLE activity_rules ADD COLUMN book VARCHAR(16) DEFAULT 'earn_rule' NOT NULL,
    DROP CONSTRAINT pk_activity_rules,
    ADD CONSTRAINT pk_activity_rules PRIMARY KEY (book, rule_no),
    ADD CONSTRAINT ck_activity_rules_book CHECK (book IN ('earn_rule', 'discount_rule'));
ALTER TABLE activity_rules ALTER COLUMN book DROP DEFAULT;
"""
# Without its link nobody would end a rule with its promotion.
DOWN = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM activity_rules r JOIN activities a ON a.id = r.activity_id
            WHERE r.book = 'discount_rule' AND a.state = 'live') THEN
        RAISE EXCEPTION 'stop the promotions that take something off first';
    END IF;
END $$;
ALTER TABLE activity_rules DISABLE TRIGGER activity_rules_append_only;
DELETE FROM activity_rules WHERE book <> 'earn_rule';
ALTER TABLE activity_rules ENABLE TRIGGER activity_rules_append_only;
ALTER TABLE activity_rules DROP CONSTRAINT pk_activity_rules, DROP COLUMN book,
    ADD CONSTRAINT pk_activity_rules PRIMARY KEY (rule_no);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
