"""Followers of the official account, campaigns by its template messages, and customer service in WeChat."""

from alembic import op

revision = "0036_outlets"
down_revision = "0035_campaign_gifts"

UP = """
CREATE TABLE official_followers (
    openid_index BYTEA NOT NULL,
    app_id VARCHAR(64) NOT NULL,
    cipher BYTEA,
    union_index BYTEA,
    member_id BIGINT,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ask_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_official_followers PRIMARY KEY (openid_index),
    CONSTRAINT fk_official_followers_member_id FOREIGN KEY (member_id) REFERENCES members (id),
    CONSTRAINT ck_official_followers_gone_whole
        CHECK (cipher IS NOT NULL OR (union_index IS NULL AND member_id IS NULL AND ask_at IS NULL))
);
CREATE INDEX ix_official_followers_member_id ON official_followers (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX ix_official_followers_union_index ON official_followers (union_index) WHERE union_index IS NOT NULL;
CREATE INDEX ix_official_followers_ask_at ON official_followers (ask_at) WHERE ask_at IS NOT NULL;
ALTER TABLE campaigns DROP CONSTRAINT ck_campaigns_channel,
    ADD CONSTRAINT ck_campaigns_channel
        CHECK (channel IN ('inbox', 'wechat_subscribe', 'official_account', 'sms', 'email'));
ALTER TABLE messages DROP CONSTRAINT ck_messages_channel,
    ADD CONSTRAINT ck_messages_channel
        CHECK (channel IN ('wechat_subscribe', 'official_account', 'wechat_service', 'sms', 'email', 'inbox'));
ALTER TABLE feedback_threads ADD COLUMN chat_at TIMESTAMP WITH TIME ZONE, ADD COLUMN chat_left SMALLINT,
    ADD CONSTRAINT ck_feedback_threads_chat_whole CHECK ((chat_at IS NULL) = (chat_left IS NULL)),
    ADD CONSTRAINT ck_feedback_threads_chat_left_not_negative CHECK (chat_left >= 0);
CREATE UNIQUE INDEX uq_feedback_threads_chat ON feedback_threads (member_id)
    WHERE chat_at IS NOT NULL AND state <> 'erased';
-- Nobody could record a choice as a clerk until now.
ALTER TABLE marketing_choices DROP CONSTRAINT ck_marketing_choices_source,
    DROP CONSTRAINT ck_marketing_choices_clerk_named,
    ADD CONSTRAINT ck_marketing_choices_source CHECK (source IN ('member', 'staff', 'sms_keyword', 'link')),
    ADD CONSTRAINT ck_marketing_choices_staff_named CHECK ((source = 'staff') = (staff_id IS NOT NULL));
"""
DOWN = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM messages WHERE channel = 'wechat_service') THEN
        RAISE EXCEPTION 'there are messages of a channel that the former version does not know';
    END IF;
    IF EXISTS (SELECT FROM marketing_choices WHERE source = 'staff') THEN
        RAISE EXCEPTION 'there are choices of a source that the former version does not know';
    END IF;
    IF EXISTS (SELECT FROM campaigns WHERE channel = 'official_account') THEN
        RAISE EXCEPTION 'there are campaigns by a channel that the former version does not know';
    END IF;
END $$;
ALTER TABLE campaigns DROP CONSTRAINT ck_campaigns_channel,
    ADD CONSTRAINT ck_campaigns_channel CHECK (channel IN ('inbox', 'wechat_subscribe', 'sms', 'email'));
ALTER TABLE messages DROP CONSTRAINT ck_messages_channel,
    ADD CONSTRAINT ck_messages_channel
        CHECK (channel IN ('wechat_subscribe', 'official_account', 'sms', 'email', 'inbox'));
ALTER TABLE marketing_choices DROP CONSTRAINT ck_marketing_choices_source,
    DROP CONSTRAINT ck_marketing_choices_staff_named,
    ADD CONSTRAINT ck_marketing_choices_source CHECK (source IN ('member', 'clerk', 'sms_keyword', 'link')),
    ADD CONSTRAINT ck_marketing_choices_clerk_named CHECK ((source = 'clerk') = (staff_id IS NOT NULL));
DROP INDEX uq_feedback_threads_chat;
ALTER TABLE feedback_threads DROP COLUMN chat_at, DROP COLUMN chat_left;
DROP TABLE official_followers;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
