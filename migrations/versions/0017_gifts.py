"""Birthday gifts: since when a birthday has been known. Value that goes from one member to another."""

from alembic import op

revision = "0017_gifts"
down_revision = "0016_offline"

BIRTHDAYS = """
ALTER TABLE members ADD COLUMN birthday_set_at timestamptz;
UPDATE members m SET birthday_set_at = coalesce(
    (SELECT max(a.at) FROM audit_log a WHERE a.action = 'member.change' AND a.object_type = 'member'
        AND a.object_id = m.id::text AND a.data -> 'fields' ? 'birthday'), m.joined_at)
    WHERE m.birthday IS NOT NULL;
ALTER TABLE members ADD CONSTRAINT ck_members_birthday_known CHECK (birthday IS NOT NULL OR birthday_set_at IS NULL);
CREATE INDEX ix_members_birthday ON members (birthday) WHERE birthday IS NOT NULL;
"""

TRANSFER = """
-- Moves what one member holds to another, lot by lot: each keeps its store, its beginning and its end. Moves are
-- objects {unit, amount}, without an amount all there is, pending value too; else what can be spent and ends first.
-- With `p_reverses` it is what remains of the lots which that transfer had opened, and nothing else.
-- Both sides are members', so that the house has none. Points that come in pay what the receiver owes.
-- Where nothing is to be moved nothing is written. Called by app/ledger/transfer.py alone.
-- Raises MC003 when there is less than an amount, unique_violation when the cause was posted before.
CREATE FUNCTION ledger_transfer(
    p_sender bigint, p_receiver bigint, p_moves jsonb, p_kind text, p_source_type text, p_source_id text,
    p_store bigint, p_staff bigint, p_note text, p_reverses bigint, p_at timestamptz, p_business_date date
) RETURNS TABLE (in_transaction bigint, of_unit text, moved bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v_account record;
    v_move record;
    v_from record;
    v_to record;
    v_lots bigint[];
    v_takes bigint[];
    v_debit bigint;
    v_first bigint;
    v_owed bigint;
BEGIN
    -- By member and unit, as every movement does, and what the receiver owes with it: whoever transfers the other way
    -- at the same moment waits, and does not block.
    FOR v_account IN
            SELECT m.member_id, u.unit FROM (VALUES (p_sender), (p_receiver)) m (member_id) CROSS JOIN (
                SELECT x.unit FROM jsonb_to_recordset(p_moves) AS x (unit text)
                UNION SELECT 'points' UNION SELECT 'points_owed') u
            ORDER BY m.member_id, u.unit LOOP
        INSERT INTO ledger_accounts (member_id, unit) SELECT v_account.member_id, v_account.unit
            WHERE v_account.member_id = p_receiver
                AND EXISTS (SELECT FROM jsonb_to_recordset(p_moves) AS x (unit text) WHERE x.unit = v_account.unit)
            ON CONFLICT (member_id, unit) DO NOTHING;
        PERFORM ledger_expire(a.id, p_at) FROM ledger_accounts a
            WHERE a.member_id = v_account.member_id AND a.unit = v_account.unit;
    END LOOP;
    FOR v_move IN SELECT x.unit, x.amount FROM jsonb_to_recordset(p_moves) AS x (unit text, amount bigint)
            ORDER BY x.unit LOOP
        SELECT a.id, a.balance, a.last_seq INTO v_from
            FROM ledger_accounts a WHERE a.member_id = p_sender AND a.unit = v_move.unit;
        SELECT a.id, a.balance, a.last_seq INTO STRICT v_to
            FROM ledger_accounts a WHERE a.member_id = p_receiver AND a.unit = v_move.unit;
        SELECT array_agg(x.id ORDER BY x.place), array_agg(x.take ORDER BY x.place), coalesce(sum(x.take), 0)
            INTO v_lots, v_takes, moved FROM (
                SELECT l.id, row_number() OVER w AS place,
                    least(l.remaining, v_move.amount - (sum(l.remaining) OVER w - l.remaining))::bigint AS take
                FROM ledger_lots l JOIN ledger_entries n ON n.id = l.entry_id
                WHERE l.account_id = v_from.id AND l.remaining > 0
                    AND (p_reverses IS NULL OR n.transaction_id = p_reverses)
                WINDOW w AS (ORDER BY l.available_at > p_at, l.expires_at NULLS LAST, l.id
                    ROWS UNBOUNDED PRECEDING)) x
            WHERE x.take > 0;
        IF moved < v_move.amount THEN
            RAISE EXCEPTION 'not enough %', v_move.unit USING ERRCODE = 'MC003', DETAIL = v_move.unit;
        END IF;
        CONTINUE WHEN moved = 0;
        IF in_transaction IS NULL THEN
            INSERT INTO ledger_transactions (kind, source_type, source_id, store_id, staff_id, note, reverses_id,
                    occurred_at, business_date)
                VALUES (p_kind, p_source_type, p_source_id, p_store, p_staff, p_note, p_reverses, p_at,
                    p_business_date)
                RETURNING id INTO in_transaction;
        END IF;
        INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after)
            SELECT in_transaction, v_move.unit, -moved, v_from.id, v_from.last_seq + 1, v_from.balance - moved
            UNION ALL
            SELECT in_transaction, v_move.unit, t.take, v_to.id, v_to.last_seq + t.place,
                v_to.balance + sum(t.take) OVER (ORDER BY t.place)
            FROM unnest(v_takes) WITH ORDINALITY AS t (take, place);
        SELECT e.id INTO STRICT v_debit
            FROM ledger_entries e WHERE e.account_id = v_from.id AND e.seq = v_from.last_seq + 1;
        INSERT INTO ledger_lots (account_id, entry_id, store_id, amount, remaining, available_at, expires_at)
            SELECT v_to.id, e.id, l.store_id, e.amount, e.amount, l.available_at, l.expires_at
            FROM unnest(v_lots) WITH ORDINALITY AS t (lot, place) JOIN ledger_lots l ON l.id = t.lot
            JOIN ledger_entries e ON e.account_id = v_to.id AND e.seq = v_to.last_seq + t.place
            ORDER BY t.place;
        UPDATE ledger_lots l SET remaining = l.remaining - t.take
            FROM unnest(v_lots, v_takes) AS t (lot, take) WHERE l.id = t.lot;
        INSERT INTO ledger_allocations (entry_id, lot_id, amount)
            SELECT v_debit, t.lot, t.take FROM unnest(v_lots, v_takes) AS t (lot, take);
        UPDATE ledger_accounts a SET balance = a.balance - moved, last_seq = a.last_seq + 1 WHERE a.id = v_from.id;
        UPDATE ledger_accounts a SET balance = a.balance + moved, last_seq = a.last_seq + cardinality(v_lots)
            WHERE a.id = v_to.id;
        SELECT coalesce(v_first, min(e.id)) INTO v_first FROM ledger_entries e
            WHERE e.account_id = v_to.id AND e.seq > v_to.last_seq AND v_move.unit IN ('points', 'points_owed');
        of_unit := v_move.unit;
        RETURN NEXT;
    END LOOP;
    SELECT least(o.balance, a.balance) INTO v_owed
        FROM ledger_accounts o JOIN ledger_accounts a ON a.member_id = o.member_id AND a.unit = 'points'
        WHERE o.member_id = p_receiver AND o.unit = 'points_owed';
    IF v_first IS NOT NULL AND v_owed > 0 THEN
        PERFORM ledger_post('repay', 'entry', v_first::text, 0, p_store, NULL, p_staff, NULL, NULL, in_transaction,
            p_at, p_business_date, jsonb_build_array(
                jsonb_build_object('member_id', p_receiver, 'unit', 'points', 'amount', -v_owed,
                    'house', 'points_issued', 'from_entry', v_first),
                jsonb_build_object('member_id', p_receiver, 'unit', 'points_owed', 'amount', -v_owed,
                    'house', 'points_lent')));
    END IF;
END $$;
"""

VOIDED = """
ALTER TABLE tier_changes
    ADD COLUMN gift_no INTEGER DEFAULT 1 NOT NULL,
    ADD COLUMN gifts_undone VARCHAR(24)[] DEFAULT '{}' NOT NULL,
    DROP CONSTRAINT ck_tier_changes_kind,
    ADD CONSTRAINT ck_tier_changes_kind CHECK (kind IN ('upgrade', 'keep', 'demote', 'plan', 'mend', 'void')),
    ADD CONSTRAINT ck_tier_changes_gifts_undone CHECK (gifts_undone = '{}' OR kind IN ('void', 'mend'));
DROP INDEX ix_tier_changes_gift_once;
CREATE UNIQUE INDEX ix_tier_changes_gift_once ON tier_changes (member_id, to_tier, gift_no) WHERE gift_points > 0;
"""

UNVOIDED = """
DROP INDEX ix_tier_changes_gift_once;
CREATE UNIQUE INDEX ix_tier_changes_gift_once ON tier_changes (member_id, to_tier) WHERE gift_points > 0;
ALTER TABLE tier_changes
    DROP CONSTRAINT ck_tier_changes_gifts_undone,
    DROP CONSTRAINT ck_tier_changes_kind,
    ADD CONSTRAINT ck_tier_changes_kind CHECK (kind IN ('upgrade', 'keep', 'demote', 'plan', 'mend')),
    DROP COLUMN gift_no, DROP COLUMN gifts_undone;
"""

APPROVALS = """
ALTER TABLE approval_requests DROP CONSTRAINT ck_approval_requests_state, ADD CONSTRAINT ck_approval_requests_state
    CHECK (state IN ('pending', 'approved', 'rejected', 'withdrawn', 'outdated'));
"""

FORMER_APPROVALS = """
ALTER TABLE approval_requests DROP CONSTRAINT ck_approval_requests_state, ADD CONSTRAINT ck_approval_requests_state
    CHECK (state IN ('pending', 'approved', 'rejected', 'withdrawn'));
"""


def upgrade() -> None:
    op.execute(APPROVALS)
    op.execute(BIRTHDAYS)
    op.execute(TRANSFER)
    op.execute(VOIDED)


def downgrade() -> None:
    op.execute(FORMER_APPROVALS)
    op.execute(UNVOIDED)
    op.execute("DROP FUNCTION ledger_transfer")
    op.execute("DROP INDEX ix_members_birthday")
    op.execute("ALTER TABLE members DROP CONSTRAINT ck_members_birthday_known, DROP COLUMN birthday_set_at")
