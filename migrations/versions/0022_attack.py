"""Proof of who asks at a till: PINs of staff, requests whose asker nobody proved."""

from alembic import op

revision = "0022_attack"
down_revision = "0018_coupons"

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


def upgrade() -> None:
    op.execute(PROOF)


def downgrade() -> None:
    op.execute(NO_PROOF)
