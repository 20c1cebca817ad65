"""Tiers: the plan by which they are reached and kept, who changed to which and why, and who is to be looked at."""

from alembic import op

revision = "0008_tiers"
down_revision = "0007_policies_and_approvals"

TABLES = """
CREATE TABLE tier_plans (
    version INTEGER NOT NULL,
    effective_from timestamptz NOT NULL,
    definition JSONB NOT NULL,
    created_by BIGINT,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_tier_plans PRIMARY KEY (version),
    CONSTRAINT ck_tier_plans_version_positive CHECK (version > 0),
    CONSTRAINT ck_tier_plans_not_in_the_past CHECK (effective_from >= created_at),
    CONSTRAINT fk_tier_plans_created_by FOREIGN KEY(created_by) REFERENCES staff (id)
);

CREATE TABLE tier_changes (
    member_id BIGINT NOT NULL,
    seq INTEGER NOT NULL,
    kind VARCHAR(8) NOT NULL,
    from_tier VARCHAR(24) NOT NULL,
    to_tier VARCHAR(24) NOT NULL,
    plan_version INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    sale_id VARCHAR(26),
    gift_points BIGINT NOT NULL,
    counts_from DATE,
    valid_through DATE,
    at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    CONSTRAINT pk_tier_changes PRIMARY KEY (member_id, seq),
    CONSTRAINT ck_tier_changes_kind CHECK (kind IN ('upgrade', 'keep', 'demote', 'plan', 'mend')),
    CONSTRAINT ck_tier_changes_kept_is_the_same CHECK ((kind = 'keep') <= (from_tier = to_tier)),
    CONSTRAINT ck_tier_changes_period_whole CHECK ((counts_from IS NULL) = (valid_through IS NULL)),
    CONSTRAINT ck_tier_changes_gift_not_negative CHECK (gift_points >= 0),
    CONSTRAINT fk_tier_changes_member_id FOREIGN KEY(member_id) REFERENCES members (id),
    CONSTRAINT fk_tier_changes_from_tier FOREIGN KEY(from_tier) REFERENCES tiers (code),
    CONSTRAINT fk_tier_changes_to_tier FOREIGN KEY(to_tier) REFERENCES tiers (code),
    CONSTRAINT fk_tier_changes_plan_version FOREIGN KEY(plan_version) REFERENCES tier_plans (version)
);

CREATE UNIQUE INDEX ix_tier_changes_gift_once ON tier_changes (member_id, to_tier) WHERE gift_points > 0;

CREATE TABLE tier_reviews (
    member_id BIGINT NOT NULL,
    plan_version INTEGER DEFAULT 0 NOT NULL,
    due_at timestamptz,
    CONSTRAINT pk_tier_reviews PRIMARY KEY (member_id),
    CONSTRAINT fk_tier_reviews_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);

CREATE INDEX ix_tier_reviews_due_at ON tier_reviews (due_at);
CREATE INDEX ix_tier_reviews_plan_version ON tier_reviews (plan_version);
"""

GUARDS = """
CREATE TRIGGER tier_plans_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tier_plans
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER tier_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tier_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute("DROP TABLE tier_reviews, tier_changes, tier_plans")
