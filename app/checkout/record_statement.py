"""The one statement that writes a sale, put together from what the sale needs (values: app/checkout/record.py).

Locks are taken in the order in which everybody takes them: coupons, then the member's accounts.
"""

from functools import cache

from app.ledger import post

# Whoever took consent back, or was frozen, since the look is no buyer: the sale has a ticket and no member, and its
# constraint refuses all of it. What the member has afterwards is known to the database alone, which therefore puts the
# last word into fact and answer.
_WRITE = """
    WITH {before}credited AS MATERIALIZED (
        SELECT jsonb_build_object('points_after', balance_after - pending, 'pending', pending,
            'pending_from', pending_from) AS held FROM {post}),
    buyer AS MATERIALIZED (
        SELECT id FROM members WHERE id = %(member_id)s::bigint AND status = 'active' FOR SHARE),
    {counted}{used}sale AS (
        INSERT INTO sales (id, store_id, terminal_id, staff_id, member_id, ticket_id, receipt_no, amount_fen,
            points_earned, rule_id, tier_code, earned, occurred_at, business_date{columns})
        SELECT %(id)s, %(store_id)s, {terminal}, %(staff_id)s::bigint, (SELECT id FROM buyer), %(ticket)s,
            %(receipt_no)s, %(amount_fen)s, %(points)s, %(rule_id)s::bigint, %(tier)s, %(earned)s::jsonb, %(sold_at)s,
            %(day)s::date{values}),
    lines AS (
        INSERT INTO sale_lines (sale_id, line_no, sku, name, category, quantity, unit_price_fen, points_earned{off})
        SELECT %(id)s, line_no, sku, name, category, quantity, unit_price_fen, points_earned{off}
            FROM jsonb_to_recordset(%(lines)s::jsonb) AS l (line_no integer, sku text, name text, category text,
                quantity integer, unit_price_fen bigint, points_earned bigint, discount_fen bigint,
                excluded_fen bigint)),
    {tendered}fact AS (
        INSERT INTO facts (kind, subject, member_id, payload, created_at)
        SELECT 'sale_completed', %(id)s, %(member_id)s::bigint, %(fact)s::jsonb || {held}, %(now)s
        WHERE %(member_id)s::bigint IS NOT NULL)
    INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    VALUES (%(scope)s, %(key)s, %(request_hash)s, %(answer)s::jsonb || {held}, %(now)s)
    RETURNING answer"""
# A sale of this moment waits for a shift that is being closed, and is none of it any more; one that was uploaded is
# among no shift's sales (app/checkout/totals.py).
_TERMINAL = "%(terminal_id)s"
_TERMINAL_NOW = "till_at(%(terminal_id)s, %(sold_at)s)"
_CREDITED = "coalesce((SELECT held FROM credited), '{}')"
_HELD_AFTER_SPENT = f"(SELECT held FROM spent) || {_CREDITED}"  # noqa: S608  # constants of our own

# Where a rule has a daily limit: what it gives is added to what it gave, and the constraint on the row refuses the sum
# when somebody else was faster. The other sales do not pay for it.
_COUNTED = """counted AS (
        INSERT INTO earn_counts (member_id, business_date, rule_no, points, most)
        SELECT %(member_id)s::bigint, %(day)s, rule_no, points, most
            FROM jsonb_to_recordset(%(counts)s::jsonb) AS c (rule_no bigint, points bigint, most bigint)
        ON CONFLICT (member_id, business_date, rule_no)
            DO UPDATE SET points = earn_counts.points + excluded.points, most = excluded.most),
    """
_TENDERED = """tenders AS (
        INSERT INTO sale_tenders (sale_id, kind, amount_fen, points)
        SELECT %(id)s, kind, amount_fen, points
            FROM jsonb_to_recordset(%(tenders)s::jsonb) AS t (kind text, amount_fen bigint, points bigint)),
    """
# A coupon that is not the member's any more, used up, recalled or ended is not updated, so that its use has no number,
# and a redemption without one is refused with all of the sale. The look-up of `redeemed` waits for the first to commit
# and is asked again about what that left.
_ORDERED = """these AS MATERIALIZED (
        SELECT count(*) AS n FROM (SELECT id FROM coupons WHERE id = ANY(%(coupon_ids)s) ORDER BY id FOR UPDATE) c),
    """
_REDEEMED = """redeemed AS (
        UPDATE coupons SET used = used + 1, offer_hash = NULL, offer_until = NULL,
            state = CASE WHEN used + 1 = uses + restored THEN 'used' ELSE 'held' END
        WHERE id = ANY(%(coupon_ids)s){after} AND member_id = %(member_id)s::bigint AND state = 'held'
            AND valid_from <= %(now)s AND valid_until > %(now)s
        RETURNING id, used),
    """
_REDEMPTIONS = """redemptions AS (
        INSERT INTO coupon_redemptions (id, coupon_id, use_no, member_id, sale_id, store_id, terminal_id, staff_id,
            discount_fen, occurred_at, business_date)
        SELECT r.redemption_id, r.coupon_id, redeemed.used, %(member_id)s::bigint, %(id)s, %(store_id)s,
            %(terminal_id)s, %(staff_id)s::bigint, r.discount_fen, %(sold_at)s, %(day)s::date
            FROM jsonb_to_recordset(%(coupons)s::jsonb) AS r (redemption_id text, coupon_id text, discount_fen bigint)
            LEFT JOIN redeemed ON redeemed.id = r.coupon_id),
    coupon_log AS (
        INSERT INTO coupon_events (coupon_id, kind, member_id, staff_id, store_id, redemption_id, at)
        SELECT r.coupon_id, 'redeemed', %(member_id)s::bigint, %(staff_id)s::bigint, %(store_id)s, r.redemption_id,
            %(now)s
            FROM jsonb_to_recordset(%(coupons)s::jsonb) AS r (redemption_id text, coupon_id text)),
    """
# Spent before earned, and all accounts locked before either, in the order in which everybody takes them. A quote that
# was used or declined since the look is none: then the sale is missing, and its lines refuse to stand without it.
_SPENDS = """locked AS MATERIALIZED (
        SELECT count(*) AS accounts FROM (
            SELECT id FROM ledger_accounts WHERE member_id = %(member_id)s::bigint{after} ORDER BY unit FOR UPDATE) a),
    moved AS MATERIALIZED (
        SELECT p.* FROM locked, LATERAL ledger_post('spend', %(source_type)s, %(source_id)s, %(source_line)s,
            %(cause_store)s, %(cause_terminal)s, %(cause_staff)s, NULL, NULL, NULL, %(cause_at)s, %(cause_day)s,
            CASE WHEN locked.accounts >= 0 THEN %(spends)s::jsonb END) p),
    spent AS MATERIALIZED (
        SELECT count(*) AS n, jsonb_strip_nulls(jsonb_build_object(
            'points_after', max(m.balance_after - m.pending) FILTER (WHERE o.unit = 'points'),
            'pending', max(m.pending) FILTER (WHERE o.unit = 'points'),
            'pending_from', max(m.pending_from) FILTER (WHERE o.unit = 'points'),
            'balance_after_fen', CASE WHEN bool_or(o.unit <> 'points')
                THEN stored_value_after(%(member_id)s::bigint, %(now)s) END)) AS held
        FROM moved m JOIN ROWS FROM (jsonb_to_recordset(%(spends)s::jsonb) AS (unit text)) WITH ORDINALITY
            AS o (unit, place) ON o.place = m.posting),
    """
# `spent` stands in its argument, so that it is not begun before what was spent has moved.
_POST_AFTER_SPENT = "spent, LATERAL {} p".format(
    post.POST.replace("%(postings)s::jsonb", "CASE WHEN spent.n >= 0 THEN %(postings)s::jsonb END")
)
_USED = """quote AS (
        UPDATE quotes SET used_at = %(now)s WHERE id = %(quote)s AND used_at IS NULL
            AND confirmation IN ('none', 'confirmed') RETURNING id),
    """


@cache
def statement_for(*, counted: bool, tendered: bool, quoted: bool, live: bool, coupons: int = 0) -> str:
    """The statement that writes a sale; what the sale does not need it does not pay for.

    `coupons` is how many it uses, 2 for any more than one.
    """
    return _WRITE.format(
        before=_before(coupons) if quoted else "",
        post=_POST_AFTER_SPENT if quoted else post.POST,
        counted=_COUNTED if counted else "",
        used=(_USED if quoted else "") + (_REDEMPTIONS if coupons else ""),
        terminal=_TERMINAL_NOW if live else _TERMINAL,
        columns=", quote_id, priced_at, discount_fen, discounts" if quoted else "",
        values=", quote.id, %(priced_at)s, %(discount_fen)s, %(discounts)s::jsonb FROM quote"
        if quoted
        else "",
        off=", discount_fen, excluded_fen" if quoted else "",
        tendered=_TENDERED if tendered else "",
        held=_HELD_AFTER_SPENT if quoted else _CREDITED,
    )


def _before(coupons: int) -> str:
    """What comes before anything is earned."""
    if not coupons:
        return _SPENDS.replace("{after}", "")
    ordered = _ORDERED if coupons > 1 else ""
    after = " AND (SELECT n FROM these) >= 0" if coupons > 1 else ""
    spends = _SPENDS.replace("{after}", " AND (SELECT count(*) FROM redeemed) >= 0")
    return ordered + _REDEEMED.replace("{after}", after) + spends
