"""Questions about who holds coupons; asked with all others (app/ledger/check.py)."""

HOLDER_QUESTIONS = {
    "who holds a coupon follows from its history": """
        SELECT c.id AS what, 'held by ' || c.member_id AS detail FROM coupons c
        WHERE c.member_id IS DISTINCT FROM (SELECT e.member_id FROM coupon_events e
            WHERE e.coupon_id = c.id AND e.kind IN ('issued', 'transferred') ORDER BY e.id DESC LIMIT 1)""",
    "only what may be passed on was offered": """
        SELECT e.coupon_id AS what, e.kind || ' by member ' || e.member_id AS detail FROM coupon_events e
        JOIN coupons c ON c.id = e.coupon_id JOIN coupon_faces f ON f.id = c.face_id
        WHERE e.kind IN ('offered', 'transferred') AND NOT coalesce((f.face ->> 'transferable')::boolean, false)
        UNION ALL
        SELECT c.id, 'has a link that nobody made' FROM coupons c WHERE c.offer_hash IS NOT NULL
            AND NOT EXISTS (SELECT FROM coupon_events e WHERE e.coupon_id = c.id AND e.kind = 'offered'
                AND e.member_id = c.member_id)
        UNION ALL
        SELECT e.coupon_id, 'taken without an offer' FROM coupon_events e WHERE e.kind = 'transferred'
            AND NOT EXISTS (SELECT FROM coupon_events o WHERE o.coupon_id = e.coupon_id AND o.kind = 'offered'
                AND o.id < e.id)""",
}
