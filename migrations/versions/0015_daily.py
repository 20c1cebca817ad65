"""Daily life at the till: members found by phone."""

from alembic import op

revision = "0015_daily"
down_revision = "0010_refunds"

BY_PHONE = """
ALTER TABLE scan_tickets ADD COLUMN found_by VARCHAR(8) DEFAULT 'code' NOT NULL,
    ADD CONSTRAINT ck_scan_tickets_found_by CHECK (found_by IN ('code', 'phone')),
    ADD CONSTRAINT ck_scan_tickets_by_phone_has_clerk CHECK (found_by <> 'phone' OR staff_id IS NOT NULL);

CREATE TABLE phone_finds (
    id VARCHAR(26) NOT NULL,
    store_id BIGINT NOT NULL,
    terminal_id BIGINT NOT NULL,
    staff_id BIGINT NOT NULL,
    member_id BIGINT,
    at timestamptz NOT NULL,
    CONSTRAINT pk_phone_finds PRIMARY KEY (id),
    CONSTRAINT fk_phone_finds_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_phone_finds_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id),
    CONSTRAINT fk_phone_finds_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT fk_phone_finds_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);

CREATE INDEX ix_phone_finds_staff_id_at ON phone_finds (staff_id, at);
CREATE INDEX ix_phone_finds_terminal_id_at ON phone_finds (terminal_id, at);
"""

GUARDS = """
CREATE TRIGGER phone_finds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON phone_finds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- A ticket may be forgotten, but never becomes another member's, or one of a better kind.
CREATE TRIGGER scan_tickets_kept BEFORE UPDATE OF id, member_id, terminal_id, staff_id, created_at, found_by
    ON scan_tickets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.execute(BY_PHONE)
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute("DROP TRIGGER scan_tickets_kept ON scan_tickets")
    op.execute("DROP TABLE phone_finds")
    op.execute("ALTER TABLE scan_tickets DROP COLUMN found_by")
