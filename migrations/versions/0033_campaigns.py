"""Campaigns: drafts, what a second person agreed to, and who was told, held out or refused."""

from alembic import op

revision = "0033_campaigns"
down_revision = "0032_channels"

UP = """
CREATE TABLE campaigns (
    id VARCHAR(26) NOT NULL,
    name VARCHAR(60) NOT NULL,
    state VARCHAR(9) DEFAULT 'draft' NOT NULL,
    version INTEGER NOT NULL,
    audience_id VARCHAR(26) NOT NULL,
    excluded_ids JSONB NOT NULL,
    versions JSONB,
    channel VARCHAR(16) NOT NULL,
    else_inbox BOOLEAN NOT NULL,
    content JSONB NOT NULL,
    starts_at timestamptz,
    drip_hours INTEGER NOT NULL,
    hold_out_bp INTEGER NOT NULL,
    attribution_days INTEGER NOT NULL,
    approval_id VARCHAR(26),
    rounds INTEGER DEFAULT 0 NOT NULL,
    to_call_back BOOLEAN DEFAULT false NOT NULL,
    created_by BIGINT,
    created_at timestamptz NOT NULL,
    began_at timestamptz,
    ended_at timestamptz,
    ended_for VARCHAR(40),
    CONSTRAINT pk_campaigns PRIMARY KEY (id),
    CONSTRAINT ck_campaigns_state
        CHECK (state IN ('draft', 'in_review', 'scheduled', 'running', 'paused', 'stopped', 'done')),
    CONSTRAINT ck_campaigns_channel CHECK (channel IN ('inbox', 'wechat_subscribe', 'sms', 'email')),
    CONSTRAINT ck_campaigns_version_positive CHECK (version > 0),
    CONSTRAINT ck_campaigns_drip_hours CHECK (drip_hours BETWEEN 0 AND 168),
    CONSTRAINT ck_campaigns_hold_out_bp CHECK (hold_out_bp BETWEEN 0 AND 5000),
    CONSTRAINT ck_campaigns_attribution_days CHECK (attribution_days BETWEEN 1 AND 90),
    CONSTRAINT ck_campaigns_second_person CHECK (state = 'draft' OR approval_id IS NOT NULL),
    CONSTRAINT ck_campaigns_scheduled_has_time CHECK (state <> 'scheduled' OR starts_at IS NOT NULL),
    CONSTRAINT fk_campaigns_audience_id FOREIGN KEY(audience_id) REFERENCES segments (id),
    CONSTRAINT fk_campaigns_approval_id FOREIGN KEY(approval_id) REFERENCES approval_requests (id),
    CONSTRAINT fk_campaigns_created_by FOREIGN KEY(created_by) REFERENCES staff (id)
);
CREATE INDEX ix_campaigns_at_work ON campaigns (id) WHERE state IN ('scheduled', 'running') OR to_call_back;

CREATE TABLE campaign_members (
    campaign_id VARCHAR(26) NOT NULL,
    member_id BIGINT NOT NULL,
    arm VARCHAR(8) NOT NULL,
    state VARCHAR(7) NOT NULL,
    refused VARCHAR(10),
    message_id VARCHAR(26),
    due_after timestamptz NOT NULL,
    told_at timestamptz,
    CONSTRAINT pk_campaign_members PRIMARY KEY (campaign_id, member_id),
    CONSTRAINT ck_campaign_members_arm CHECK (arm IN ('told', 'held_out')),
    CONSTRAINT ck_campaign_members_state CHECK (state IN ('waiting', 'planned', 'refused')),
    CONSTRAINT ck_campaign_members_refused_has_reason CHECK ((state = 'refused') = (refused IS NOT NULL)),
    CONSTRAINT ck_campaign_members_planned_has_time CHECK ((state = 'planned') = (told_at IS NOT NULL)),
    CONSTRAINT ck_campaign_members_message_is_of_who_is_told
        CHECK ((message_id IS NOT NULL) = (arm = 'told' AND state = 'planned')),
    CONSTRAINT fk_campaign_members_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id)
);
CREATE INDEX ix_campaign_members_waiting ON campaign_members (campaign_id, due_after, member_id)
    WHERE state = 'waiting';
"""
DOWN = """
DROP TABLE campaign_members;
DROP TABLE campaigns;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
