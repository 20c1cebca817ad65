"""Coupons at the till: codes of their own, the tickets such a code opens."""

from alembic import op

revision = "0020_coupon_till"
down_revision = "0019_coupon_office"

CODES = """
CREATE TABLE coupon_code_uses (
    coupon_no BIGINT NOT NULL,
    step BIGINT NOT NULL,
    terminal_id BIGINT NOT NULL,
    used_at timestamptz NOT NULL,
    CONSTRAINT pk_coupon_code_uses PRIMARY KEY (coupon_no, step),
    CONSTRAINT fk_coupon_code_uses_coupon_no FOREIGN KEY(coupon_no) REFERENCES coupons (coupon_no),
    CONSTRAINT fk_coupon_code_uses_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id)
);
CREATE INDEX ix_coupon_code_uses_used_at ON coupon_code_uses (used_at);
"""

TICKETS = """
ALTER TABLE scan_tickets ADD COLUMN coupon_id VARCHAR(26),
    ADD CONSTRAINT fk_scan_tickets_coupon_id FOREIGN KEY(coupon_id) REFERENCES coupons (id),
    DROP CONSTRAINT ck_scan_tickets_found_by,
    ADD CONSTRAINT ck_scan_tickets_found_by CHECK (found_by IN ('code', 'coupon', 'phone')),
    ADD CONSTRAINT ck_scan_tickets_by_coupon_has_coupon CHECK ((found_by = 'coupon') = (coupon_id IS NOT NULL));
DROP TRIGGER scan_tickets_kept ON scan_tickets;
CREATE TRIGGER scan_tickets_kept
    BEFORE UPDATE OF id, member_id, terminal_id, staff_id, created_at, found_by, coupon_id ON scan_tickets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

REDEMPTIONS = """
CREATE TRIGGER coupon_redemptions_undone_once BEFORE UPDATE ON coupon_redemptions
    FOR EACH ROW WHEN (OLD.undone_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.execute(CODES)
    op.execute(TICKETS)
    op.execute(REDEMPTIONS)


def downgrade() -> None:
    op.execute("DROP TRIGGER coupon_redemptions_undone_once ON coupon_redemptions")
    op.execute("DROP TRIGGER scan_tickets_kept ON scan_tickets")
    op.execute(
        "CREATE TRIGGER scan_tickets_kept"
        " BEFORE UPDATE OF id, member_id, terminal_id, staff_id, created_at, found_by ON scan_tickets"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "ALTER TABLE scan_tickets DROP CONSTRAINT ck_scan_tickets_by_coupon_has_coupon,"
        " DROP CONSTRAINT ck_scan_tickets_found_by,"
        " ADD CONSTRAINT ck_scan_tickets_found_by CHECK (found_by IN ('code', 'phone')),"
        " DROP COLUMN coupon_id"
    )
    op.execute("DROP TABLE coupon_code_uses")
