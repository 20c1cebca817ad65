"""Proof of who asks at a till: PINs of staff, requests whose asker nobody proved. Nothing falls between two shifts.
What a member spends without a word on the phone."""

from alembic import op

revision = "0021_clerk_pins"
down_revision = "0020_coupon_till"

PROOF = """
ALTER TABLE staff ADD COLUMN pin_hash VARCHAR(200);
ALTER TABLE approval_requests ADD COLUMN requester_proven BOOLEAN DEFAULT true NOT NULL,
    ADD COLUMN vouched_by BIGINT,
    ADD CONSTRAINT fk_approval_requests_vouched_by FOREIGN KEY(vouched_by) REFERENCES staff (id),
    ADD CONSTRAINT ck_approval_requests_vouched CHECK (
        state <> 'approved' OR requester_proven OR (vouched_by IS NOT NULL AND vouched_by <> decided_by));
-- What waits may have been asked for at a till in anybody's name.
UPDATE approval_requests SET requester_proven = false
    WHERE state = 'pending' AND kind IN ('refund', 'retro_credit', 'top_up', 'top_up_refund');
DROP TRIGGER approval_requests_kept ON approval_requests;
CREATE TRIGGER approval_requests_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF id, kind, subject, details, store_id,
    requested_by, requested_at, expires_at, requester_proven ON approval_requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approval_requests_vouched_once BEFORE UPDATE OF vouched_by ON approval_requests
    FOR EACH ROW WHEN (OLD.vouched_by IS NOT NULL AND NEW.vouched_by IS DISTINCT FROM OLD.vouched_by
        AND NEW.vouched_by IS DISTINCT FROM NEW.requested_by)
    EXECUTE FUNCTION refuse_change();
"""

NO_PROOF = """
DROP TRIGGER approval_requests_vouched_once ON approval_requests;
DROP TRIGGER approval_requests_kept ON approval_requests;
CREATE TRIGGER approval_requests_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF id, kind, subject, details, store_id,
    requested_by, requested_at, expires_at ON approval_requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE approval_requests DROP COLUMN vouched_by, DROP COLUMN requester_proven;
ALTER TABLE staff DROP COLUMN pin_hash;
"""

SHIFTS = """
-- When the last shift of the till ended, None: none has. Until the transaction ends no other shift of it does: closing
-- locks the till's row and waits, and whoever waits here sees the shift that was closed meanwhile, because the second
-- question has a snapshot of its own. A row of `sales` would take the same lock a moment later, for its foreign key.
CREATE FUNCTION till_last_ended(p_terminal bigint) RETURNS timestamptz
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM terminals WHERE id = p_terminal FOR KEY SHARE;
    RETURN (SELECT max(h.closed_at) FROM (
        SELECT closed_at FROM shifts WHERE terminal_id = p_terminal ORDER BY from_id DESC LIMIT 2) h);
END $$;
-- The till, for a sale of that moment. Raises MC006 when a shift has ended after it: the figures are told already. As
-- above, and not through it: every sale calls this.
CREATE FUNCTION till_at(p_terminal bigint, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM terminals WHERE id = p_terminal FOR KEY SHARE;
    IF EXISTS (SELECT FROM (
            SELECT closed_at FROM shifts WHERE terminal_id = p_terminal ORDER BY from_id DESC LIMIT 2) h
            WHERE h.closed_at > p_at) THEN
        RAISE EXCEPTION 'a shift has ended since' USING ERRCODE = 'MC006';
    END IF;
    RETURN p_terminal;
END $$;
"""

NO_SHIFTS = """
DROP FUNCTION till_at;
DROP FUNCTION till_last_ended;
"""

ALONE = """
ALTER TABLE quotes ADD COLUMN own_fen BIGINT DEFAULT 0 NOT NULL;
-- Of those that still count; nobody asks about older ones.
UPDATE quotes SET own_fen = stored_value_fen + CAST(priced -> 'points' ->> 'fen' AS bigint)
    WHERE created_at > now() - interval '25 hours' AND member_id IS NOT NULL;
CREATE INDEX ix_quotes_alone ON quotes (member_id, created_at) WHERE confirmation = 'none' AND own_fen > 0;
"""

NOT_ALONE = """
DROP INDEX ix_quotes_alone;
ALTER TABLE quotes DROP COLUMN own_fen;
"""


def upgrade() -> None:
    op.execute(PROOF)
    op.execute(SHIFTS)
    op.execute(ALONE)


def downgrade() -> None:
    op.execute(NOT_ALONE)
    op.execute(NO_SHIFTS)
    op.execute(NO_PROOF)
