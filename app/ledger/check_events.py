"""What the books ask of events; asked with all others (app/ledger/check.py)."""

EVENT_QUESTIONS = {
    "no more seats of a session are booked than there are, and it says how many are": """
        SELECT s.id AS what, s.taken || ' of ' || s.seats || ', ' || b.seats || ' booked' AS detail
        FROM event_sessions s CROSS JOIN LATERAL (SELECT coalesce(sum(seats), 0) AS seats FROM event_bookings b
            WHERE b.session_id = s.id AND b.state IN ('booked', 'attended', 'no_show')) b
        WHERE s.taken <> b.seats OR b.seats > s.seats""",
    # Those who wait when it begins are let go; a seat that staff give up for somebody after that is nobody's.
    "nobody waits for seats of which there are enough": """
        SELECT b.id AS what, b.seats || ' wanted, ' || s.seats - s.taken || ' free' AS detail
        FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id
        JOIN members m ON m.id = b.member_id AND m.status = 'active'
        WHERE b.state = 'waiting' AND s.state = 'open' AND b.seats <= s.seats - s.taken AND NOT EXISTS (
            SELECT FROM event_bookings c WHERE c.session_id = s.id AND c.cancelled_at >= s.starts_at)""",
    "a place on a waiting list is one booking's, and a member has one booking of a session": """
        SELECT session_id AS what, 'place ' || place AS detail FROM event_bookings WHERE place IS NOT NULL
        GROUP BY session_id, place HAVING count(*) > 1
        UNION ALL
        SELECT session_id, 'member ' || member_id FROM event_bookings WHERE state <> 'cancelled'
        GROUP BY session_id, member_id HAVING count(*) > 1""",
    "a booking spent the points it says, in the store of the event": """
        SELECT coalesce(o.id, t.booking_id) AS what, 'spent ' || coalesce(t.points::text, 'nothing') AS detail
        FROM (SELECT b.id, b.points, b.member_id, e.store_id FROM event_bookings b
            JOIN event_sessions s ON s.id = b.session_id JOIN events e ON e.id = s.event_id WHERE b.points > 0) o
        FULL JOIN (SELECT t.source_id AS booking_id, t.store_id, -e.amount AS points, a.member_id
            FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
            JOIN ledger_accounts a ON a.id = e.account_id
            WHERE t.kind = 'spend' AND t.source_type = 'event_booking') t ON t.booking_id = o.id
        WHERE (o.points, o.store_id, o.member_id) IS DISTINCT FROM (t.points, t.store_id, t.member_id)""",
    "a booking that was cancelled gave the points back that it says, once, and no other gave any": """
        SELECT coalesce(o.id, t.booking_id) AS what, coalesce(t.n, 0) || ' times, ' || coalesce(t.points, 0) AS detail
        FROM (SELECT id, points_back FROM event_bookings WHERE points_back > 0) o
        FULL JOIN (SELECT t.source_id AS booking_id, count(DISTINCT t.id) AS n, sum(e.amount) AS points
            FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
            WHERE t.kind = 'restore' AND t.source_type = 'event_booking' GROUP BY 1) t ON t.booking_id = o.id
        WHERE (o.points_back, 1) IS DISTINCT FROM (t.points, t.n)
        UNION ALL
        SELECT id, points_back || ' of ' || points || ' for ' || cancelled_for FROM event_bookings
        WHERE state = 'cancelled' AND points_back < points AND cancelled_for <> 'member'""",
    # Of a coupon that was recalled meanwhile, or that came with a reward that was taken back, nothing comes back.
    "a coupon that paid for seats is the member's, and back once they are given up": """
        SELECT r.id AS what, coalesce(b.id, 'for no booking') AS detail
        FROM coupon_redemptions r JOIN coupons c ON c.id = r.coupon_id
        LEFT JOIN event_bookings b ON b.redemption_id = r.id
        LEFT JOIN event_sessions s ON s.id = b.session_id LEFT JOIN events e ON e.id = s.event_id
        WHERE r.terminal_id IS NULL AND (b.id IS NULL
            OR (b.member_id, e.store_id) IS DISTINCT FROM (r.member_id, r.store_id)
            OR (r.undone_at IS NOT NULL AND b.state <> 'cancelled')
            OR (r.undone_at IS NULL AND b.state = 'cancelled' AND b.cancelled_for <> 'member'
                AND c.state <> 'void' AND NOT EXISTS (SELECT FROM activity_grants g
                    WHERE c.source = 'activity' AND c.member_id = c.issued_to AND g.id = c.source_id
                        AND g.taken_back_at IS NOT NULL)))""",
    "who was there was let in at a till of the store, in time, and by a clerk in the audit log": """
        SELECT b.id AS what, 'at ' || b.attended_at AS detail FROM event_bookings b
        JOIN event_sessions s ON s.id = b.session_id JOIN events e ON e.id = s.event_id
        JOIN terminals t ON t.id = b.terminal_id
        WHERE t.store_id <> e.store_id OR b.attended_at >= s.ends_at OR b.attended_at < b.asked_at
            OR NOT EXISTS (SELECT FROM audit_log a WHERE a.action = 'event.check_in' AND a.object_id = b.id
                AND a.actor_id = b.attended_by AND a.store_id = e.store_id)""",
    "only who was there says how it was, and once it is over": """
        SELECT b.id AS what, b.state AS detail FROM event_feedback f JOIN event_bookings b ON b.id = f.booking_id
        JOIN event_sessions s ON s.id = b.session_id WHERE b.state <> 'attended' OR f.given_at < s.ends_at""",
    "what members who took consent back said of an event is erased": """
        SELECT f.booking_id AS what, length(f.comment) || ' characters' AS detail FROM event_feedback f
        JOIN event_bookings b ON b.id = f.booking_id JOIN members m ON m.id = b.member_id
        WHERE m.status = 'withdrawn' AND f.comment <> ''""",
    "the guards of events are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail FROM unnest(ARRAY['event_bookings_kept',
            'event_bookings_end_once', 'event_feedback_kept', 'event_feedback_only_forgotten']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['uq_event_bookings_place',
            'uq_event_bookings_redemption_id', 'ck_event_sessions_never_over', 'ck_event_bookings_points_back']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)
        UNION ALL
        SELECT 'uq_event_bookings_one_each', 'unique index missing'
        WHERE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'uq_event_bookings_one_each' AND relkind = 'i')""",
}
