"""More ways to a member than WeChat and the inbox, each at a pace of its own."""

from alembic import op

revision = "0032_channels"
down_revision = "0031_consent_for_messages"

UP = """
ALTER TABLE messages DROP CONSTRAINT ck_messages_channel,
    ADD CONSTRAINT ck_messages_channel
        CHECK (channel IN ('wechat_subscribe', 'official_account', 'sms', 'email', 'inbox'));
DROP INDEX ix_messages_due;
CREATE INDEX ix_messages_due ON messages (channel, due_at) WHERE state = 'pending';
CREATE TABLE channel_paces (
    channel VARCHAR(16) NOT NULL,
    spent_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_channel_paces PRIMARY KEY (channel)
);
CREATE TABLE member_emails (
    member_id BIGINT NOT NULL,
    cipher BYTEA NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    code_hash BYTEA,
    code_until TIMESTAMP WITH TIME ZONE,
    tries SMALLINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_member_emails PRIMARY KEY (member_id),
    CONSTRAINT fk_member_emails_member_id FOREIGN KEY (member_id) REFERENCES members (id),
    CONSTRAINT ck_member_emails_tries CHECK (tries >= 0)
);
CREATE TABLE outbox (
    id SMALLINT NOT NULL,
    name VARCHAR(32) NOT NULL,
    batches BIGINT DEFAULT 0 NOT NULL,
    held_at TIMESTAMP WITH TIME ZONE,
    held_for VARCHAR(8),
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT ck_outbox_one CHECK (id = 1),
    CONSTRAINT ck_outbox_held_for CHECK (held_for IN ('restored', 'operator')),
    CONSTRAINT ck_outbox_held_whole CHECK ((held_at IS NULL) = (held_for IS NULL))
);
INSERT INTO outbox (id, name) VALUES (1, replace(gen_random_uuid()::text, '-', ''));
"""
DOWN = """
DROP TABLE outbox;
DROP TABLE member_emails;
DROP TABLE channel_paces;
DROP INDEX ix_messages_due;
CREATE INDEX ix_messages_due ON messages (due_at) WHERE state = 'pending';
DO $$ BEGIN
    IF EXISTS (SELECT FROM messages WHERE channel NOT IN ('wechat_subscribe', 'inbox')) THEN
        RAISE EXCEPTION 'there are messages of channels that the former version does not know';
    END IF;
END $$;
ALTER TABLE messages DROP CONSTRAINT ck_messages_channel,
    ADD CONSTRAINT ck_messages_channel CHECK (channel IN ('wechat_subscribe', 'inbox'));
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
