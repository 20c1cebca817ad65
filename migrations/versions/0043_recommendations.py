"""Which products go together, counted by night; and that a member wants none made from what they bought."""

from alembic import op

revision = "0043_recommendations"
down_revision = "0042_automation_clicks"

_CHANNELS = "'wechat_subscribe', 'official_account', 'sms', 'email'"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE sold_products (
            sku VARCHAR(64) NOT NULL,
            name VARCHAR(120) NOT NULL,
            category VARCHAR(40) NOT NULL,
            buyers INTEGER NOT NULL,
            last_on DATE NOT NULL,
            place INTEGER NOT NULL,
            CONSTRAINT pk_sold_products PRIMARY KEY (sku),
            CONSTRAINT uq_sold_products_place UNIQUE (place),
            CONSTRAINT ck_sold_products_buyers_positive CHECK (buyers > 0)
        )""")
    op.execute("""
        CREATE TABLE sold_together (
            sku VARCHAR(64) NOT NULL,
            other VARCHAR(64) NOT NULL,
            buyers INTEGER NOT NULL,
            together INTEGER NOT NULL,
            score INTEGER NOT NULL,
            CONSTRAINT pk_sold_together PRIMARY KEY (sku, other),
            CONSTRAINT ck_sold_together_two_products CHECK (sku <> other),
            CONSTRAINT ck_sold_together_together_within CHECK (together > 0 AND together <= buyers),
            CONSTRAINT ck_sold_together_score_within CHECK (score BETWEEN 1 AND 1000000)
        )""")
    op.execute("CREATE INDEX ix_sold_together_other ON sold_together (other, sku)")
    op.execute("""
        CREATE TABLE sold_counts (
            day DATE NOT NULL,
            counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
            members INTEGER NOT NULL,
            products INTEGER NOT NULL,
            pairs INTEGER NOT NULL,
            CONSTRAINT pk_sold_counts PRIMARY KEY (day)
        )""")
    op.execute(f"""
        ALTER TABLE marketing_opt_outs DROP CONSTRAINT ck_marketing_opt_outs_channel,
            ADD CONSTRAINT ck_marketing_opt_outs_channel CHECK (channel IN ({_CHANNELS}, 'personalised'))""")
    op.execute(f"""
        ALTER TABLE marketing_choices DROP CONSTRAINT ck_marketing_choices_channel,
            ADD CONSTRAINT ck_marketing_choices_channel CHECK (channel IN ('all', {_CHANNELS}, 'personalised'))""")


def downgrade() -> None:
    op.execute("""
        DO $$ BEGIN
            IF EXISTS (SELECT FROM marketing_choices WHERE channel = 'personalised') THEN
                RAISE EXCEPTION 'members chose about recommendations: what they chose cannot be forgotten';
            END IF;
        END $$""")
    op.execute(f"""
        ALTER TABLE marketing_choices DROP CONSTRAINT ck_marketing_choices_channel,
            ADD CONSTRAINT ck_marketing_choices_channel CHECK (channel IN ('all', {_CHANNELS}))""")
    op.execute(f"""
        ALTER TABLE marketing_opt_outs DROP CONSTRAINT ck_marketing_opt_outs_channel,
            ADD CONSTRAINT ck_marketing_opt_outs_channel CHECK (channel IN ({_CHANNELS}))""")
    op.execute("DROP TABLE sold_counts, sold_together, sold_products")
