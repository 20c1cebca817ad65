"""Counting, once a night, which products members buy who bought another one.

Item-to-item collaborative filtering (Linden, Smith, York: "Amazon.com recommendations: item-to-item collaborative
filtering", IEEE Internet Computing, 2003): two products go together by the cosine between those who bought the one and
those who bought the other, `together / sqrt(buyers * buyers)`. So what everybody buys goes with nothing in particular,
and nothing is learned that could not be counted again by hand (docs/adr/0021).
"""

import logging
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.db import transaction
from app.members.models import PERSONALISED
from app.policies import in_force
from app.recommendations.policy import EXCLUDED, RecommendationPolicy

log = logging.getLogger(__name__)

#: A day is counted once it is so old: the purchases of the evening before are summed up by then, and what begins at
#: midnight is done.
BEGINS_AFTER = timedelta(hours=1)
#: What was bought within so many days counts, and only what was sold within so many is recommended.
WINDOW_DAYS, LATELY_DAYS = 180, 30
#: The work has bounds, however many members and articles there are: so many members at most, drawn evenly; the latest
#: products of each; the products that most members bought.
MOST_MEMBERS, MOST_OF_ONE, MOST_PRODUCTS = 100_000, 20, 50_000
#: Of fewer members it would be an accident, and tell of what single persons do; a best seller has so many buyers, too.
FEWEST_TOGETHER = 5
#: So many receipts are asked what a product is called.
_RECEIPTS = 3
#: So many others are kept of a product.
MOST_OTHERS = 20
#: A statement that is not through by then is given up, and all of it is tried again an hour later.
MOST_S = 120

_HOW = {
    "statement_timeout": f"'{MOST_S}s'",
    "work_mem": "'128MB'",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('recommendations counted'))")
_STANDS = text("SELECT EXISTS (SELECT FROM sold_counts WHERE day >= :day)")

# Its words are those that most of a few newest receipts have, each of another member: what one register sends once by
# mistake, or one clerk types, is not read by everybody. Found by two indexes, product by product. What has a blank for
# a name there cannot be recommended to anybody.
_PRODUCTS = text(f"""
    INSERT INTO sold_products (sku, name, category, buyers, last_on, place)
    SELECT b.sku, l.name, l.category, b.buyers, b.last_on, row_number() OVER (ORDER BY b.buyers DESC, b.sku)
    FROM (SELECT word AS sku, count(*) AS buyers, max(last_on) AS last_on FROM member_bought
        WHERE kind = 'product' AND last_on > :since GROUP BY word
        ORDER BY count(*) DESC, word LIMIT :most_products) b
    CROSS JOIN LATERAL (SELECT l.name, l.category FROM (
            SELECT m.member_id, m.last_on, row_number() OVER (ORDER BY m.last_on DESC, m.member_id DESC) AS nth
            FROM member_bought m WHERE m.kind = 'product' AND m.word = b.sku AND m.last_on > :since
            ORDER BY m.last_on DESC, m.member_id DESC LIMIT {_RECEIPTS}) w
        CROSS JOIN LATERAL (SELECT btrim(l.name) AS name, l.category
            FROM sales s JOIN sale_lines l ON l.sale_id = s.id
            WHERE s.member_id = w.member_id AND s.business_date = w.last_on AND l.sku = b.sku AND btrim(l.name) <> ''
            ORDER BY s.id DESC, l.line_no DESC LIMIT 1) l
        GROUP BY l.name, l.category ORDER BY count(*) DESC, min(w.nth) LIMIT 1) l""")  # noqa: S608
# Drawn by their ids in an order that has nothing to do with when they joined: the same ones each time. The OFFSET has
# what each bought read by the key, whatever the planner expects. Products are numbers while they are counted: pairs of
# numbers take half the room, and half the time, of pairs of words.
_PAIRS = text(f"""
    WITH members AS MATERIALIZED (
        SELECT t.member_id FROM member_totals t JOIN members m ON m.id = t.member_id AND m.status = 'active'
        WHERE t.last_on > :since AND NOT EXISTS (SELECT FROM marketing_opt_outs o
            WHERE o.member_id = t.member_id AND o.channel = '{PERSONALISED}')
        ORDER BY t.member_id * 7368787 % 9999991, t.member_id LIMIT :most_members),
    goods AS MATERIALIZED (
        SELECT p.sku, p.place AS no, p.last_on > :lately AS lately
        FROM sold_products p WHERE NOT {EXCLUDED}),
    taken AS MATERIALIZED (
        SELECT m.member_id, g.no FROM members m CROSS JOIN LATERAL (
            SELECT b.word FROM member_bought b
            WHERE b.member_id = m.member_id AND b.kind = 'product' AND b.last_on > :since
            ORDER BY b.last_on DESC, b.word LIMIT :most_of_one OFFSET 0) b
        JOIN goods g ON g.sku = b.word),
    bought AS MATERIALIZED (SELECT no, count(*) AS buyers FROM taken GROUP BY no),
    pairs AS MATERIALIZED (
        SELECT a.no AS one, b.no AS two, count(*) AS together
        FROM taken a JOIN taken b ON b.member_id = a.member_id AND b.no > a.no
        GROUP BY a.no, b.no HAVING count(*) >= :fewest),
    ranked AS (
        SELECT o.sku, w.sku AS other, a.buyers, d.together, s.score,
            row_number() OVER (PARTITION BY o.sku ORDER BY s.score DESC, w.sku) AS place
        FROM (SELECT one, two, together FROM pairs UNION ALL SELECT two, one, together FROM pairs) d
        JOIN bought a ON a.no = d.one JOIN bought b ON b.no = d.two
        JOIN goods o ON o.no = d.one JOIN goods w ON w.no = d.two AND w.lately
        CROSS JOIN LATERAL (SELECT greatest(1, CAST(round(1000000 * d.together
            / sqrt(CAST(a.buyers AS float8) * b.buyers)) AS integer)) AS score) s),
    written AS (
        INSERT INTO sold_together (sku, other, buyers, together, score)
        SELECT sku, other, buyers, together, score FROM ranked WHERE place <= :most_others RETURNING 1)
    SELECT (SELECT count(*) FROM members) AS members, (SELECT count(*) FROM written) AS pairs""")  # noqa: S608
_SAY = text("""
    INSERT INTO sold_counts (day, counted_at, members, products, pairs)
    VALUES (:day, :now, :members, :products, :pairs)""")


def count(*, now: datetime) -> bool:
    """What goes together, anew for the day that began last; False if that stands, or somebody else is at it.

    All or nothing, in one transaction: until it ends everybody reads what stood before. Safe in several processes.
    Raises `Busy` when it took too long.
    """
    day = business_date(now - BEGINS_AFTER, HOME_ZONE)
    with transaction() as session:
        # Lock, then look: whoever comes second sees what the first has written.
        if not session.execute(_ALONE).scalar_one() or session.execute(_STANDS, {"day": day}).scalar_one():
            return False
        for setting, value in _HOW.items():
            session.execute(text(f"SET LOCAL {setting} = {value}"))
        found = _replaced(session, day)
        session.execute(_SAY, {"day": day, "now": now, **found})
    log.info("recommendations counted for %s: %s", day, found)
    return True


def _replaced(session: Session, day: date) -> dict[str, int]:
    since = {"since": day - timedelta(days=WINDOW_DAYS)}
    for table in ("sold_together", "sold_products"):
        session.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    products: Any = session.execute(_PRODUCTS, {**since, "most_products": MOST_PRODUCTS})
    # Where the planner guesses few who bought anything it would compare each with each.
    session.execute(text("SET LOCAL enable_nestloop = off"))
    pairs = session.execute(
        _PAIRS,
        {
            **since,
            **in_force(session, RecommendationPolicy).value.values(),
            "lately": day - timedelta(days=LATELY_DAYS),
            "most_members": MOST_MEMBERS,
            "most_of_one": MOST_OF_ONE,
            "fewest": FEWEST_TOGETHER,
            "most_others": MOST_OTHERS,
        },
    ).one()
    return {"members": pairs.members, "products": products.rowcount, "pairs": pairs.pairs}
