"""Promotions: activities that put on an earning rule and reward items, and the rules they made."""

from alembic import op

revision = "0027_activity_forms"
down_revision = "0023_activities"

UP = """
ALTER TABLE activities DROP CONSTRAINT ck_activities_kind;
ALTER TABLE activities ADD CONSTRAINT ck_activities_kind
    CHECK (kind IN ('check_in', 'lottery', 'welcome', 'first_order', 'profile', 'promotion'));

CREATE TABLE activity_rules (
    rule_no BIGINT NOT NULL,
    activity_id VARCHAR(26) NOT NULL,
    CONSTRAINT pk_activity_rules PRIMARY KEY (rule_no),
    CONSTRAINT fk_activity_rules_activity_id FOREIGN KEY(activity_id) REFERENCES activities (id)
);

CREATE INDEX ix_activity_rules_activity_id ON activity_rules (activity_id);
CREATE TRIGGER activity_rules_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activity_rules
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
DOWN = """
DROP TABLE activity_rules;
ALTER TABLE activities DROP CONSTRAINT ck_activities_kind;
ALTER TABLE activities ADD CONSTRAINT ck_activities_kind
    CHECK (kind IN ('check_in', 'lottery', 'welcome', 'first_order', 'profile'));
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
