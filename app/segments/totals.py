"""What each member bought, summed up once, so that asking about all of them does not read all sales (docs/adr/0017).

Facts of a purchase or refund note the member; a beat of the worker counts anew, from the sales themselves, whatever
was noted. So nothing can be counted twice, and what was missed is mended by the next count.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.pruning import always

BATCH = 200

_NOTE = text("INSERT INTO member_recounts (member_id) VALUES (:member_id) ON CONFLICT DO NOTHING")
_ANYBODY = text("SELECT EXISTS (SELECT FROM member_recounts)")
# Whoever is noted again meanwhile waits for this to commit, and is noted after it.
_TAKEN = text("""
    DELETE FROM member_recounts WHERE member_id = ANY (ARRAY(
        SELECT member_id FROM member_recounts ORDER BY member_id LIMIT :most FOR UPDATE SKIP LOCKED))
    RETURNING member_id""")

# A purchase counts while something of it is kept. Who is meant stands in `{whose}`.
_KEPT = """
    SELECT s.id, s.member_id, s.business_date AS day, s.store_id, s.amount_fen - coalesce(r.back_fen, 0) AS fen
    FROM sales s LEFT JOIN (
        SELECT f.sale_id, sum(f.amount_fen)::bigint AS back_fen FROM refunds f JOIN sales s ON s.id = f.sale_id
        WHERE {whose} GROUP BY f.sale_id) r ON r.sale_id = s.id
    WHERE {whose} AND (r.back_fen IS NULL OR r.back_fen < s.amount_fen)"""
_TOTALS = """
    SELECT member_id, count(*)::integer AS purchases, sum(fen)::bigint AS spent_fen,
        count(DISTINCT day)::integer AS visits, min(day) AS first_on, max(day) AS last_on
    FROM kept GROUP BY member_id"""
_DAYS = """
    SELECT member_id, day, count(*)::integer AS purchases, sum(fen)::bigint AS spent_fen
    FROM kept GROUP BY member_id, day"""
_BOUGHT = """
    SELECT k.member_id, w.kind, w.word, max(k.day) AS last_on
    FROM kept k JOIN sale_lines l ON l.sale_id = k.id AND l.refunded_quantity < l.quantity,
        LATERAL (VALUES ('product', l.sku), ('category', l.category)) w (kind, word)
    WHERE w.word <> '' GROUP BY 1, 2, 3
    UNION ALL SELECT k.member_id, 'store', o.code, max(k.day) FROM kept k JOIN stores o ON o.id = k.store_id
    GROUP BY 1, 2, 3"""
#: Table, key, values, and the question that says what they should be, of `kept`.
COUNTED = (
    ("member_totals", "member_id", "purchases, spent_fen, visits, first_on, last_on", _TOTALS),
    ("member_days", "member_id, day", "purchases, spent_fen", _DAYS),
    ("member_bought", "member_id, kind, word", "last_on", _BOUGHT),
)


def kept(whose: str) -> str:
    """The purchases that count, of those `sales s` of which that is true; it is the program's own text."""
    return _KEPT.format(whose=whose)


def _parts(table: str, key: str, values: str, rows: str) -> str:
    """What is not so any more goes, what is new or other is written; what stays is not touched."""
    same = " AND ".join(f"n.{one} = t.{one}" for one in key.split(", "))
    before = ", ".join(f"t.{one}" for one in values.split(", "))
    after = ", ".join(f"excluded.{one}" for one in values.split(", "))
    return f"""{table}_counted AS MATERIALIZED ({rows}),
    {table}_gone AS (
        DELETE FROM {table} t WHERE t.member_id = ANY(:members)
            AND NOT EXISTS (SELECT FROM {table}_counted n WHERE {same})),
    {table}_written AS (
        INSERT INTO {table} AS t ({key}, {values}) SELECT {key}, {values} FROM {table}_counted
        ON CONFLICT ({key}) DO UPDATE SET ({values}) = ROW ({after}) WHERE ({before}) IS DISTINCT FROM ({after}))"""  # noqa: S608


_COUNT = text(
    f"WITH kept AS MATERIALIZED ({kept('s.member_id = ANY(:members)')}), "
    + ", ".join(_parts(*one) for one in COUNTED)
    + " SELECT"
)


def note(session: Session, member_id: int | None) -> None:
    """Something that the member (None: nobody) bought is new, or other than it was: to be counted anew."""
    if member_id is not None:
        session.execute(_NOTE, {"member_id": member_id})


def recount(*, keep_going: Callable[[], bool] = always) -> int:
    """Count for everybody who was noted; for how many. Safe in several processes at once."""
    total = 0
    while keep_going():
        with reading() as connection:
            if not connection.execute(_ANYBODY).scalar_one():
                break
        with transaction() as session:
            members = list(session.execute(_TAKEN, {"most": BATCH}).scalars())
            count(session, members)
        total += len(members)
        if len(members) < BATCH:
            break
    return total


def count(session: Session, member_ids: Sequence[int]) -> None:
    """What these members bought, anew."""
    session.execute(_COUNT, {"members": list(member_ids)})
