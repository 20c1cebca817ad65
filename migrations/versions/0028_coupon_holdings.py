"""A grant says what is left of each member's coupons, and finds members by phone number."""

from alembic import op

revision = "0028_coupon_holdings"
down_revision = "0027_events"

# Rows that were refused when they were named hold no member any more, so a list may name one twice.
COLUMNS = """
ALTER TABLE coupon_grant_members
    ADD COLUMN uses INTEGER, ADD COLUMN valid_through DATE, ALTER COLUMN member_no DROP NOT NULL,
    ADD CONSTRAINT ck_coupon_grant_members_nobody_is_refused CHECK (member_id IS NOT NULL OR state = 'refused'),
    ADD CONSTRAINT ck_coupon_grant_members_uses_positive CHECK (uses > 0),
    DROP CONSTRAINT uq_coupon_grant_members_grant_id_member_no,
    ADD CONSTRAINT uq_coupon_grant_members_grant_id_member_id UNIQUE (grant_id, member_id);
ALTER TABLE coupon_grants DROP CONSTRAINT ck_coupon_grants_count_positive,
    ADD CONSTRAINT ck_coupon_grants_count_positive CHECK (count > 0 AND coupons >= 0);
"""
GUARD = """
DROP TRIGGER coupon_grant_members_kept ON coupon_grant_members;
CREATE TRIGGER coupon_grant_members_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF grant_id, place, member_no, member_id{more} ON coupon_grant_members
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(GUARD.format(more=", uses, valid_through"))


def downgrade() -> None:
    op.execute(
        "ALTER TABLE coupon_grants DROP CONSTRAINT ck_coupon_grants_count_positive, ADD CONSTRAINT"
        " ck_coupon_grants_count_positive CHECK (count > 0 AND coupons >= count) NOT VALID"
    )
    op.execute(GUARD.format(more=""))
    op.execute(
        "ALTER TABLE coupon_grant_members DROP CONSTRAINT ck_coupon_grant_members_nobody_is_refused,"
        " DROP CONSTRAINT ck_coupon_grant_members_uses_positive,"
        " DROP CONSTRAINT uq_coupon_grant_members_grant_id_member_id, DROP COLUMN uses, DROP COLUMN valid_through"
    )
