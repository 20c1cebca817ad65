"""Coupons given to named members and recalled by the back office; coupons as a gift of a top-up."""

from alembic import op

revision = "0019_coupon_office"
down_revision = "0018_coupons"

TABLES = """
CREATE TABLE coupon_grants (
    id VARCHAR(26) NOT NULL,
    template_id VARCHAR(26) NOT NULL,
    count INTEGER NOT NULL,
    coupons INTEGER NOT NULL,
    reason VARCHAR(200) NOT NULL,
    requested_by BIGINT NOT NULL,
    alone_grants INTEGER NOT NULL,
    approval_id VARCHAR(26),
    state VARCHAR(7) NOT NULL,
    created_at timestamptz NOT NULL,
    tried_at timestamptz,
    CONSTRAINT pk_coupon_grants PRIMARY KEY (id),
    CONSTRAINT uq_coupon_grants_approval_id UNIQUE (approval_id),
    CONSTRAINT ck_coupon_grants_state CHECK (state IN ('waiting', 'open', 'done', 'closed')),
    CONSTRAINT ck_coupon_grants_count_positive CHECK (count > 0 AND coupons >= count),
    CONSTRAINT ck_coupon_grants_waiting_has_approval CHECK (approval_id IS NOT NULL OR state IN ('open', 'done')),
    CONSTRAINT ck_coupon_grants_second_person CHECK (approval_id IS NOT NULL OR coupons <= alone_grants),
    CONSTRAINT fk_coupon_grants_template_id FOREIGN KEY(template_id) REFERENCES coupon_templates (id),
    CONSTRAINT fk_coupon_grants_requested_by FOREIGN KEY(requested_by) REFERENCES staff (id),
    CONSTRAINT fk_coupon_grants_approval_id FOREIGN KEY(approval_id) REFERENCES approval_requests (id)
);

CREATE INDEX ix_coupon_grants_open ON coupon_grants (id) WHERE state = 'open';
CREATE INDEX ix_coupon_grants_requested_by_created_at ON coupon_grants (requested_by, created_at);

CREATE TABLE coupon_grant_members (
    grant_id VARCHAR(26) NOT NULL,
    place INTEGER NOT NULL,
    member_no VARCHAR(20) NOT NULL,
    member_id BIGINT,
    state VARCHAR(7) DEFAULT 'left' NOT NULL,
    refusal VARCHAR(40),
    CONSTRAINT pk_coupon_grant_members PRIMARY KEY (grant_id, place),
    CONSTRAINT uq_coupon_grant_members_grant_id_member_no UNIQUE (grant_id, member_no),
    CONSTRAINT ck_coupon_grant_members_state CHECK (state IN ('left', 'issued', 'refused')),
    CONSTRAINT ck_coupon_grant_members_refused_has_code CHECK ((state = 'refused') = (refusal IS NOT NULL)),
    CONSTRAINT ck_coupon_grant_members_issued_to_a_member CHECK (state <> 'issued' OR member_id IS NOT NULL),
    CONSTRAINT fk_coupon_grant_members_grant_id FOREIGN KEY(grant_id) REFERENCES coupon_grants (id),
    CONSTRAINT fk_coupon_grant_members_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);

CREATE TABLE coupon_recalls (
    id VARCHAR(26) NOT NULL,
    wanted JSONB NOT NULL,
    reason VARCHAR(200) NOT NULL,
    requested_by BIGINT NOT NULL,
    alone_recalls INTEGER NOT NULL,
    approval_id VARCHAR(26),
    state VARCHAR(7) NOT NULL,
    recalled INTEGER DEFAULT 0 NOT NULL,
    kept INTEGER DEFAULT 0 NOT NULL,
    unused_uses BIGINT DEFAULT 0 NOT NULL,
    unused_value_fen BIGINT DEFAULT 0 NOT NULL,
    created_at timestamptz NOT NULL,
    done_at timestamptz,
    CONSTRAINT pk_coupon_recalls PRIMARY KEY (id),
    CONSTRAINT uq_coupon_recalls_approval_id UNIQUE (approval_id),
    CONSTRAINT ck_coupon_recalls_state CHECK (state IN ('waiting', 'done', 'closed')),
    CONSTRAINT ck_coupon_recalls_waiting_has_approval CHECK (approval_id IS NOT NULL OR state = 'done'),
    CONSTRAINT ck_coupon_recalls_second_person CHECK (approval_id IS NOT NULL OR recalled <= alone_recalls),
    CONSTRAINT ck_coupon_recalls_numbers CHECK (least(recalled, kept, unused_uses, unused_value_fen) >= 0),
    CONSTRAINT ck_coupon_recalls_done_at CHECK ((state = 'done') = (done_at IS NOT NULL)),
    CONSTRAINT fk_coupon_recalls_requested_by FOREIGN KEY(requested_by) REFERENCES staff (id),
    CONSTRAINT fk_coupon_recalls_approval_id FOREIGN KEY(approval_id) REFERENCES approval_requests (id)
);

CREATE INDEX ix_coupon_recalls_requested_by_created_at ON coupon_recalls (requested_by, created_at);
-- Those of one source, which are recalled together.
CREATE INDEX ix_coupons_source_id ON coupons (source_id, source);
"""

# What was asked for stays; how it stands may move.
GUARDS = """
CREATE TRIGGER coupon_grants_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, template_id, count, coupons, reason, requested_by, alone_grants, approval_id, created_at
    ON coupon_grants FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER coupon_grant_members_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF grant_id, place, member_no, member_id ON coupon_grant_members
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER coupon_recalls_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, wanted, reason, requested_by, alone_recalls, approval_id, created_at ON coupon_recalls
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

OFFERS = """
ALTER TABLE top_up_offers ADD COLUMN coupon_template_id VARCHAR(26), ADD COLUMN coupon_count INTEGER DEFAULT 0 NOT NULL,
    ADD CONSTRAINT fk_top_up_offers_coupon_template_id FOREIGN KEY(coupon_template_id)
        REFERENCES coupon_templates (id),
    ADD CONSTRAINT ck_top_up_offers_coupons CHECK (
        coupon_count >= 0 AND (coupon_template_id IS NULL) = (coupon_count = 0)),
    DROP CONSTRAINT ck_top_up_offers_gives_something,
    ADD CONSTRAINT ck_top_up_offers_gives_something CHECK (bonus_fen + points + coupon_count > 0);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute(OFFERS)


def downgrade() -> None:
    op.execute(
        "ALTER TABLE top_up_offers DROP CONSTRAINT ck_top_up_offers_gives_something,"
        " ADD CONSTRAINT ck_top_up_offers_gives_something CHECK (bonus_fen + points > 0) NOT VALID,"
        " DROP COLUMN coupon_template_id, DROP COLUMN coupon_count;"
        "DROP INDEX ix_coupons_source_id;"
        "DROP TABLE coupon_recalls, coupon_grant_members, coupon_grants"
    )
