"""Promotions and the rules they made; exchanges whose money part WeChat Pay takes."""

from alembic import op

revision = "0026_activity_forms"
down_revision = "0025_surveys"

UP = """
ALTER TABLE activities DROP CONSTRAINT ck_activities_kind;
ALTER TABLE activities ADD CONSTRAINT ck_activities_kind
    CHECK (kind IN ('check_in', 'lottery', 'welcome', 'first_order', 'profile', 'referral', 'survey', 'promotion'));

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
PAYMENTS = """
ALTER TABLE reward_orders ADD COLUMN wechat_fen BIGINT DEFAULT 0 NOT NULL,
    DROP CONSTRAINT ck_reward_orders_state,
    DROP CONSTRAINT ck_reward_orders_state_fits,
    DROP CONSTRAINT ck_reward_orders_cancelled_for,
    ADD CONSTRAINT ck_reward_orders_state
        CHECK (state IN ('pending', 'ready', 'handed_over', 'given', 'cancelled')),
    ADD CONSTRAINT ck_reward_orders_state_fits CHECK (CASE WHEN state = 'given' THEN store_id IS NULL
        WHEN state IN ('pending', 'cancelled') THEN true ELSE store_id IS NOT NULL END),
    ADD CONSTRAINT ck_reward_orders_cancelled_for
        CHECK (cancelled_for IN ('member', 'staff', 'expired', 'unpaid', 'failed')),
    ADD CONSTRAINT ck_reward_orders_one_way_to_pay
        CHECK (wechat_fen >= 0 AND (wechat_fen = 0 OR principal_fen + bonus_fen = 0)),
    ADD CONSTRAINT ck_reward_orders_pending_is_to_be_paid CHECK (state <> 'pending' OR wechat_fen > 0);
CREATE UNIQUE INDEX uq_reward_orders_one_pending ON reward_orders (member_id) WHERE state = 'pending';
DROP TRIGGER reward_orders_kept ON reward_orders;
CREATE TRIGGER reward_orders_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, item_id, item_version, member_id, nth, points, principal_fen, bonus_fen, wechat_fen,
        policy_version, store_id, collect_by, ordered_at, ordered_on ON reward_orders
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE reward_payments (
    order_id VARCHAR(26) NOT NULL,
    amount_fen BIGINT NOT NULL,
    state VARCHAR(9) NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    asked_at timestamptz,
    transaction_id VARCHAR(64),
    paid_at timestamptz,
    refund_asked_at timestamptz,
    accepted BOOLEAN DEFAULT false NOT NULL,
    refunded_at timestamptz,
    trouble VARCHAR(64),
    CONSTRAINT pk_reward_payments PRIMARY KEY (order_id),
    CONSTRAINT uq_reward_payments_transaction_id UNIQUE (transaction_id),
    CONSTRAINT ck_reward_payments_state CHECK (state IN ('created', 'paid', 'closed', 'refunding', 'refunded')),
    CONSTRAINT ck_reward_payments_amount_positive CHECK (amount_fen > 0),
    CONSTRAINT ck_reward_payments_paid CHECK (num_nonnulls(transaction_id, paid_at)
        = CASE WHEN state IN ('created', 'closed') THEN 0 ELSE 2 END),
    CONSTRAINT ck_reward_payments_refunded CHECK (
        (refund_asked_at IS NOT NULL) = (state IN ('refunding', 'refunded'))
        AND (refunded_at IS NOT NULL) = (state = 'refunded')),
    CONSTRAINT fk_reward_payments_order_id FOREIGN KEY(order_id) REFERENCES reward_orders (id)
);
CREATE INDEX ix_reward_payments_open ON reward_payments (created_at) WHERE state = 'created';
CREATE INDEX ix_reward_payments_refunding ON reward_payments (refund_asked_at) WHERE state = 'refunding';
CREATE TRIGGER reward_payments_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF order_id, amount_fen, created_at, expires_at ON reward_payments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
NO_PAYMENTS = """
DROP TABLE reward_payments;
DROP TRIGGER reward_orders_kept ON reward_orders;
DROP INDEX uq_reward_orders_one_pending;
ALTER TABLE reward_orders
    DROP CONSTRAINT ck_reward_orders_pending_is_to_be_paid,
    DROP CONSTRAINT ck_reward_orders_one_way_to_pay,
    DROP CONSTRAINT ck_reward_orders_state,
    DROP CONSTRAINT ck_reward_orders_state_fits,
    DROP CONSTRAINT ck_reward_orders_cancelled_for,
    DROP COLUMN wechat_fen,
    ADD CONSTRAINT ck_reward_orders_state CHECK (state IN ('ready', 'handed_over', 'given', 'cancelled')),
    ADD CONSTRAINT ck_reward_orders_state_fits CHECK (CASE state
        WHEN 'given' THEN store_id IS NULL WHEN 'cancelled' THEN true ELSE store_id IS NOT NULL END),
    ADD CONSTRAINT ck_reward_orders_cancelled_for CHECK (cancelled_for IN ('member', 'staff', 'expired'));
CREATE TRIGGER reward_orders_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, item_id, item_version, member_id, nth, points, principal_fen, bonus_fen, policy_version, store_id,
        collect_by, ordered_at, ordered_on ON reward_orders
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
DOWN = """
DROP TABLE activity_rules;
ALTER TABLE activities DROP CONSTRAINT ck_activities_kind;
ALTER TABLE activities ADD CONSTRAINT ck_activities_kind
    CHECK (kind IN ('check_in', 'lottery', 'welcome', 'first_order', 'profile', 'referral', 'survey'));
"""


def upgrade() -> None:
    op.execute(UP)
    op.execute(PAYMENTS)


def downgrade() -> None:
    op.execute(NO_PAYMENTS)
    op.execute(DOWN)
