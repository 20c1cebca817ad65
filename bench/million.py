"""A chain with a million members and what they did in two years, laid in by the database itself: for segments.

Only what segments ask about is there; the books are not sound, and nothing but questions is asked of it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from app import clock, db
from app.audit import OPERATOR
from app.clock import HOME_ZONE
from app.segments.totals import COUNTED, kept
from app.stores import setup
from bench.stock import in_bulk

STORES, TEMPLATES, CATEGORIES, PRODUCTS = 30, 40, 24, 2_000
DAYS = 730


@dataclass(frozen=True, kw_only=True)
class Million:
    """How much there is of everything."""

    members: int
    sales: int
    now: datetime


#: The first ten characters of an id say when it was made (app/ids.py); what follows is told apart by its number.
_AT = "CAST(:now AS timestamptz) - interval '1 day' * :days * (1 - n::float8 / :sales)"
_ULID = " || ".join(
    f"substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (((ms >> {shift}) & 31) + 1)::integer, 1)"
    for shift in range(45, -1, -5)
)
# Some buy often, many seldom, a few never.
_SOME_MEMBER = "1 + floor(:members * power(random(), 2))::bigint"

_MEMBERS = """
    INSERT INTO members (public_id, member_no, name, language, tier_id, birthday, marketing_opt_out, phone_cipher,
        phone_index, home_store_id, status, joined_at)
    SELECT 'M' || lpad(n::text, 25, '0'), lpad(n::text, 10, '0'), '会员' || n,
        CASE WHEN n % 10 = 0 THEN 'en' ELSE 'zh' END, 1 + n % 4,
        CASE WHEN n % 3 > 0 THEN date '1955-01-01' + (n * 7919 % 18000)::integer END, n % 20 = 0,
        CASE WHEN n % 5 > 0 THEN '\\x00'::bytea END, CASE WHEN n % 5 > 0 THEN decode(md5(n::text), 'hex') END,
        CASE WHEN n % 8 > 0 THEN (CAST(:stores AS bigint[]))[1 + n % :store_count] END,
        CASE WHEN n % 50 = 0 THEN 'withdrawn' WHEN n % 97 = 0 THEN 'closed' ELSE 'active' END,
        CAST(:now AS timestamptz) - interval '1 day' * (n * 104729 % 1500)
    FROM generate_series(CAST(1 AS bigint), :members) n"""
_IDENTITIES = """
    INSERT INTO member_identities (member_id, provider, app_id, subject, created_at)
    SELECT n, CASE WHEN n % 7 = 0 THEN 'telegram' ELSE 'wechat_mini' END, 'bench', n::text, :now
    FROM generate_series(CAST(1 AS bigint), :members) n"""
_ACCOUNTS = """
    INSERT INTO ledger_accounts (member_id, unit, balance)
    SELECT n, 'points', (random() * random() * 20000)::bigint FROM generate_series(CAST(1 AS bigint), :members) n
    UNION ALL SELECT n, unit, (random() * 50000)::bigint
    FROM generate_series(CAST(1 AS bigint), :members, 5) n, unnest(ARRAY['principal_fen', 'bonus_fen']) unit"""
_LOTS = """
    INSERT INTO ledger_lots (account_id, entry_id, amount, remaining, available_at, expires_at)
    SELECT a.id, row_number() OVER (), 100, CASE WHEN random() < 0.5 THEN 100 ELSE 0 END, :now,
        CAST(:now AS timestamptz) + interval '1 day' * (random() * 365)
    FROM ledger_accounts a, generate_series(1, 3) WHERE a.unit = 'points'"""
_SALES = f"""
    INSERT INTO sales (id, store_id, terminal_id, member_id, receipt_no, amount_fen, points_earned, earned, occurred_at,
        business_date)
    SELECT {_ULID} || lpad(n::text, 16, '0'), (CAST(:stores AS bigint[]))[1 + floor(random() * :store_count)::integer],
        1, {_SOME_MEMBER}, 'R' || n, (500 + random() * random() * 40000)::bigint, 100,
        '[{{"rule_id": 1, "rule_no": 1, "kind": "base", "points": 100, "amount_fen": 8560, "version": 1}}]', at,
        at::date
    FROM generate_series(CAST(1 AS bigint), :sales) n, LATERAL (SELECT {_AT} AS at) t,
        LATERAL (SELECT (extract(epoch FROM at) * 1000)::bigint AS ms) m"""  # our own constants
_LINES = """
    INSERT INTO sale_lines (sale_id, line_no, sku, name, category, quantity, unit_price_fen, points_earned)
    SELECT id, line_no, 'SKU-' || lpad((floor(:products * power(random(), 2)))::text, 5, '0'), '有机纯牛奶 250ml×12',
        'c' || floor(:categories * power(random(), 2)), 1, 8560, 50
    FROM (SELECT id, row_number() OVER () AS n FROM sales) s, generate_series(1, 2) line_no
    WHERE line_no = 1 OR n % 2 = 0"""
_REFUNDS = """
    INSERT INTO refunds (id, sale_id, store_id, terminal_id, staff_id, refund_no, reason, amount_fen, points,
        points_taken, points_owed, points_lapsed, alone_fen, occurred_at, business_date)
    SELECT 'R' || substr(id, 2), id, store_id, 1, 1, receipt_no, 'unwanted',
        CASE WHEN random() < 0.5 THEN amount_fen ELSE amount_fen / 2 END, 0, 0, 0, 0, 1000000, occurred_at,
        business_date
    FROM sales WHERE random() < 0.02"""
_COUPONS = """
    INSERT INTO coupons (id, template_id, face_id, issued_to, nth, source, source_id, issued_at, issued_on, uses,
        valid_from, valid_until, member_id, state, used)
    SELECT 'C' || lpad(n::text, 25, '0'), 'T' || lpad((n * 31 / 7 % :templates)::text, 25, '0'), 1, m, n, 'bench',
        n::text, :now, :day, 1, CAST(:now AS timestamptz) - interval '90 days',
        CAST(:now AS timestamptz) + interval '1 day' * (random() * 200 - 80), m,
        CASE WHEN n % 5 < 3 THEN 'used' ELSE 'held' END, CASE WHEN n % 5 < 3 THEN 1 ELSE 0 END
    FROM generate_series(CAST(1 AS bigint), :members * 2) n,
        LATERAL (SELECT 1 + (n * 7919 % :members) AS m) x"""
_REDEMPTIONS = """
    INSERT INTO coupon_redemptions (id, coupon_id, use_no, member_id, store_id, terminal_id, discount_fen, occurred_at,
        business_date)
    SELECT 'D' || substr(id, 2), id, 1, member_id, 1, 1, 0,
        CAST(:now AS timestamptz) - interval '1 day' * (random() * 90), :day FROM coupons WHERE state = 'used'"""
_INBOX = """
    INSERT INTO inbox_items (id, message_id, member_id, kind, params, created_at, read_at)
    SELECT 'I' || lpad(n::text, 25, '0'), 'I' || lpad(n::text, 25, '0'), 1 + n % :members, 'receipt',
        '{"amount_fen": 8560, "language": "zh"}', at, CASE WHEN random() < 0.4 THEN at + interval '1 hour' END
    FROM generate_series(CAST(1 AS bigint), :members * 3) n,
        LATERAL (SELECT CAST(:now AS timestamptz) - interval '1 day' * (n * 104729 % 180) AS at) t"""
# One campaign to every other member, whose messages are the first in the inbox.
_CAMPAIGNS = """
    INSERT INTO campaigns (id, name, state, version, audience_id, excluded_ids, channel, else_inbox, content,
        drip_hours, hold_out_bp, attribution_days, approval_id, created_at)
    VALUES ('K1', 'bench', 'done', 1, 'A', '[]', 'inbox', false, '{}', 0, 0, 7, 'A', :now)"""
_MESSAGES = """
    INSERT INTO messages (id, member_id, kind, category, channel, dedupe_key, params, state, due_at, created_at)
    SELECT id, member_id, 'campaign', 'marketing', 'inbox', id, '{}', 'sent', created_at, created_at
    FROM inbox_items WHERE id <= 'I' || lpad((:members / 2)::text, 25, '0')"""
_TOLD = """
    INSERT INTO campaign_members (campaign_id, member_id, arm, state, message_id, due_after, told_at)
    SELECT 'K1', member_id, 'told', 'planned', id, due_at, due_at FROM messages"""
_REFERRALS = """
    INSERT INTO referrals (id, activity_id, inviter_id, newcomer_id, joined_at, buy_until, state)
    SELECT 'F' || lpad(n::text, 25, '0'), 'A', 1 + n % (:members / 20 + 1), n, :now,
        CAST(:now AS timestamptz) + interval '1 day', 'pending'
    FROM generate_series(CAST(:members / 10 AS bigint), :members, 12) n"""
_TAGS = """
    INSERT INTO member_tags (member_id, tag, given_by, given_at)
    SELECT DISTINCT 1 + floor(random() * :members)::bigint, 'tag-' || n % 20, 1, CAST(:now AS timestamptz)
    FROM generate_series(CAST(1 AS bigint), :members / 2) n"""


def _summed_up(table: str, key: str, values: str, rows: str) -> str:
    """As the worker sums up, for all at once."""
    whole = kept("s.member_id IS NOT NULL")
    return f"""
        WITH kept AS MATERIALIZED ({whole}), counted AS ({rows})
        INSERT INTO {table} ({key}, {values}) SELECT {key}, {values} FROM counted ORDER BY {key}"""


_ROWS = (
    *(("members", _MEMBERS), ("member_identities", _IDENTITIES), ("ledger_accounts", _ACCOUNTS)),
    *(("ledger_lots", _LOTS), ("sales", _SALES), ("sale_lines", _LINES), ("refunds", _REFUNDS)),
    *(("coupons", _COUPONS), ("coupon_redemptions", _REDEMPTIONS), ("inbox_items", _INBOX)),
    *(("campaigns", _CAMPAIGNS), ("messages", _MESSAGES), ("campaign_members", _TOLD)),
    *(("referrals", _REFERRALS), ("member_tags", _TAGS)),
    *((table, _summed_up(table, key, values, rows)) for table, key, values, rows in COUNTED),
)
_TIERS = """
    INSERT INTO tiers (id, code, name_zh, name_en) VALUES (2, 'silver', '银卡', 'Silver'), (3, 'gold', '金卡', 'Gold'),
        (4, 'black', '黑卡', 'Black') ON CONFLICT DO NOTHING"""
_INDEXES = text(
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :table AND indexname LIKE 'ix%'"
)


def lay_in(engine: Engine, *, members: int, sales: int) -> Million:
    """Fill an empty, migrated database."""
    db.bind(engine)
    now = clock.now()
    for number in range(1, STORES + 1):
        setup.open_store(
            code=f"B{number:03}", name=f"门店 {number}", time_zone=HOME_ZONE, actor=OPERATOR, now=now
        )
    with in_bulk(engine) as connection:
        # Millions of rows whose neighbours are not there: staff, templates, faces.
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("SET work_mem = '256MB'"))
        connection.execute(text("SET maintenance_work_mem = '256MB'"))
        connection.execute(text(_TIERS))
        stores = list(connection.execute(text("SELECT id FROM stores ORDER BY id")).scalars())
        facts = {"now": now, "day": now.date(), "stores": stores, "store_count": STORES, "days": DAYS}
        facts |= {"members": members, "sales": sales, "templates": TEMPLATES}
        facts |= {"categories": CATEGORIES, "products": PRODUCTS}
        for table, statement in _ROWS:
            _fill(connection, table, statement, facts)
        for setting in ("session_replication_role", "work_mem", "maintenance_work_mem"):
            connection.execute(text(f"RESET {setting}"))
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    return Million(members=members, sales=sales, now=now)


def _fill(connection: Connection, table: str, statement: str, facts: dict[str, object]) -> None:
    """Indexes are made afterwards: that is many times faster than row by row."""
    indexes = connection.execute(_INDEXES, {"table": table}).all()
    for index in indexes:
        connection.execute(text(f"DROP INDEX {index.indexname}"))
    connection.execute(text(statement), facts)
    for index in indexes:
        connection.execute(text(index.indexdef))
