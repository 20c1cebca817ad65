"""Members who bring members: invite codes, who came by them, devices seen at login, members who are staff; and how
many chances had been used of a grant that was taken back."""

from alembic import op

revision = "0024_referral"
down_revision = "0023_activities"

KINDS = """
ALTER TABLE activities DROP CONSTRAINT ck_activities_kind;
ALTER TABLE activities ADD CONSTRAINT ck_activities_kind
    CHECK (kind IN ('check_in', 'lottery', 'welcome', 'first_order', 'profile', 'referral'));
ALTER TABLE gifts_due DROP CONSTRAINT ck_gifts_due_occasion;
ALTER TABLE gifts_due ADD CONSTRAINT ck_gifts_due_occasion
    CHECK (occasion IN ('joined', 'profile', 'sale', 'refund', 'phone'));
"""

TABLES = """
CREATE TABLE invite_codes (
    member_id BIGINT NOT NULL,
    code VARCHAR(10) NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_invite_codes PRIMARY KEY (member_id),
    CONSTRAINT uq_invite_codes_code UNIQUE (code),
    CONSTRAINT fk_invite_codes_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);

CREATE TABLE member_devices (
    member_id BIGINT NOT NULL,
    device BYTEA NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT pk_member_devices PRIMARY KEY (member_id, device),
    CONSTRAINT fk_member_devices_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);

CREATE INDEX ix_member_devices_device ON member_devices (device);
CREATE INDEX ix_member_devices_seen_at ON member_devices (seen_at);

CREATE TABLE staff_memberships (
    member_id BIGINT NOT NULL,
    staff_id BIGINT NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_staff_memberships PRIMARY KEY (member_id),
    CONSTRAINT fk_staff_memberships_member_id FOREIGN KEY(member_id) REFERENCES members (id),
    CONSTRAINT fk_staff_memberships_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id)
);

CREATE INDEX ix_staff_memberships_staff_id ON staff_memberships (staff_id);

CREATE INDEX ix_member_identities_union_subject ON member_identities (union_subject)
    WHERE union_subject IS NOT NULL;

CREATE TABLE referrals (
    id VARCHAR(26) NOT NULL,
    activity_id VARCHAR(26) NOT NULL,
    inviter_id BIGINT NOT NULL,
    newcomer_id BIGINT NOT NULL,
    joined_at timestamptz NOT NULL,
    buy_until timestamptz NOT NULL,
    state VARCHAR(10) NOT NULL,
    reason VARCHAR(16),
    sale_id VARCHAR(26),
    at_least_fen BIGINT,
    rewarded_at timestamptz,
    counted_on DATE,
    nth INTEGER,
    most INTEGER,
    nth_of_day INTEGER,
    most_a_day INTEGER,
    inviter_grant_id VARCHAR(26),
    newcomer_grant_id VARCHAR(26),
    taken_back_at timestamptz,
    CONSTRAINT pk_referrals PRIMARY KEY (id),
    CONSTRAINT uq_referrals_newcomer_id UNIQUE (newcomer_id),
    CONSTRAINT uq_referrals_activity_id_inviter_id_nth UNIQUE (activity_id, inviter_id, nth),
    CONSTRAINT uq_referrals_activity_id_inviter_id_counted_on_nth_of_day
        UNIQUE (activity_id, inviter_id, counted_on, nth_of_day),
    CONSTRAINT ck_referrals_not_oneself CHECK (inviter_id <> newcomer_id),
    CONSTRAINT ck_referrals_buys_after_joining CHECK (buy_until > joined_at),
    CONSTRAINT ck_referrals_state CHECK (state IN ('pending', 'rewarded', 'taken_back', 'blocked')),
    CONSTRAINT ck_referrals_reason
        CHECK (reason IN ('self', 'staff', 'same_person', 'same_device', 'same_phone', 'inviter_inactive', 'cap',
            'day_cap')),
    CONSTRAINT ck_referrals_blocked_for_a_reason CHECK ((state = 'blocked') = (reason IS NOT NULL)),
    CONSTRAINT ck_referrals_rewarded_whole
        CHECK (num_nonnulls(sale_id, at_least_fen, rewarded_at, counted_on, nth, most, nth_of_day, most_a_day)
            = CASE WHEN state IN ('rewarded', 'taken_back') THEN 8 ELSE 0 END),
    CONSTRAINT ck_referrals_grants_rewarded
        CHECK (sale_id IS NOT NULL OR num_nonnulls(inviter_grant_id, newcomer_grant_id) = 0),
    CONSTRAINT ck_referrals_taken_back CHECK ((state = 'taken_back') = (taken_back_at IS NOT NULL)),
    CONSTRAINT ck_referrals_within_cap CHECK (nth BETWEEN 1 AND most),
    CONSTRAINT ck_referrals_within_day_cap CHECK (nth_of_day BETWEEN 1 AND most_a_day),
    CONSTRAINT fk_referrals_activity_id FOREIGN KEY(activity_id) REFERENCES activities (id),
    CONSTRAINT fk_referrals_inviter_id FOREIGN KEY(inviter_id) REFERENCES members (id),
    CONSTRAINT fk_referrals_newcomer_id FOREIGN KEY(newcomer_id) REFERENCES members (id),
    CONSTRAINT fk_referrals_sale_id FOREIGN KEY(sale_id) REFERENCES sales (id),
    CONSTRAINT fk_referrals_inviter_grant_id FOREIGN KEY(inviter_grant_id) REFERENCES activity_grants (id),
    CONSTRAINT fk_referrals_newcomer_grant_id FOREIGN KEY(newcomer_grant_id) REFERENCES activity_grants (id)
);

CREATE INDEX ix_referrals_activity_id_id ON referrals (activity_id, id);
CREATE INDEX ix_referrals_inviter_id_id ON referrals (inviter_id, id);
"""

CHANCES_KEPT = """
ALTER TABLE activity_grants DROP CONSTRAINT ck_activity_grants_taken_back, ADD COLUMN chances_kept INTEGER;
UPDATE activity_grants g SET chances_kept = g.chances + coalesce((SELECT c.change FROM chance_changes c
    WHERE c.kind = 'taken_back' AND c.source_id = g.id), 0) WHERE g.taken_back_at IS NOT NULL;
ALTER TABLE activity_grants ADD CONSTRAINT ck_activity_grants_taken_back
    CHECK (num_nonnulls(taken_back_at, coupons_kept, chances_kept) IN (0, 3));
"""

GUARDS = """
-- A code that is out in pictures stays its owner's.
CREATE TRIGGER invite_codes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invite_codes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Who invited whom is written once, when the newcomer joins.
CREATE TRIGGER referrals_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, activity_id, inviter_id, newcomer_id, joined_at, buy_until ON referrals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.execute(KINDS)
    op.execute(TABLES)
    op.execute(CHANCES_KEPT)
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute("""
        ALTER TABLE activity_grants DROP CONSTRAINT ck_activity_grants_taken_back, DROP COLUMN chances_kept,
            ADD CONSTRAINT ck_activity_grants_taken_back CHECK ((taken_back_at IS NULL) = (coupons_kept IS NULL));""")
    op.execute("DROP TABLE referrals, staff_memberships, member_devices, invite_codes")
    op.execute("DROP INDEX ix_member_identities_union_subject")
    op.execute("""
        ALTER TABLE gifts_due DROP CONSTRAINT ck_gifts_due_occasion;
        ALTER TABLE gifts_due ADD CONSTRAINT ck_gifts_due_occasion
            CHECK (occasion IN ('joined', 'profile', 'sale', 'refund'));
        ALTER TABLE activities DROP CONSTRAINT ck_activities_kind;
        ALTER TABLE activities ADD CONSTRAINT ck_activities_kind
            CHECK (kind IN ('check_in', 'lottery', 'welcome', 'first_order', 'profile'));""")
