"""What is recommended to a member: products that go with what they bought, then those that most members buy.

Who switched recommendations made from their purchases off, or whose membership does not go on, is recommended what
everybody would be: nothing of what they bought is looked at (app/members/marketing.py names the law).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.db import reading
from app.members.models import PERSONALISED
from app.policies import in_force
from app.recommendations.count import FEWEST_TOGETHER, LATELY_DAYS, WINDOW_DAYS
from app.recommendations.policy import EXCLUDED, RecommendationPolicy

#: To one member, at most.
MOST = 10
#: So many best sellers are looked through for some that a member has not bought.
_MOST_BEST = 100

BOUGHT_WITH, BEST_SELLER = "bought_with", "best_seller"
Reason = Literal["bought_with", "best_seller"]


@dataclass(frozen=True, kw_only=True)
class Recommended:
    """`because` of `name_bought`, the product of theirs that weighs most, or (None) as one that most members buy."""

    sku: str
    name: str
    because: Reason
    name_bought: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recommendations:
    """`personalised`: what the member bought was looked at; else they are the same for everybody."""

    personalised: bool
    items: tuple[Recommended, ...]


# For each member by itself, from the keys alone: the planner is left nothing to guess, whatever it is told elsewhere in
# the transaction (app/campaigns/plan.py). Some hundred pairs of each are summed up; names and reasons are looked up for
# those few that are left.
_PICKED = text(f"""
    WITH excluded AS MATERIALIZED (SELECT p.sku FROM sold_products p WHERE {EXCLUDED})
    SELECT w.member_id, w.personal, own.skus, c.skus AS picked, c.names, c.bought
    FROM (SELECT m.id AS member_id, m.status = 'active' AND NOT EXISTS (SELECT FROM marketing_opt_outs o
            WHERE o.member_id = m.id AND o.channel = '{PERSONALISED}') AS personal,
            (SELECT max(day) - {WINDOW_DAYS} FROM sold_counts) AS since
        FROM members m WHERE m.id = ANY(CAST(:ids AS bigint[]))) w
    CROSS JOIN LATERAL (SELECT coalesce(array_agg(b.word), '{{}}') AS skus FROM member_bought b
        WHERE w.personal AND b.member_id = w.member_id AND b.kind = 'product' AND b.last_on > w.since) own
    CROSS JOIN LATERAL (
        SELECT array_agg(g.other ORDER BY g.score DESC, g.other) AS skus,
            array_agg((SELECT s.name FROM sold_products s WHERE s.sku = g.other)
                ORDER BY g.score DESC, g.other) AS names,
            array_agg((SELECT s.name FROM sold_together r JOIN sold_products s ON s.sku = r.sku
                WHERE r.other = g.other AND r.sku = ANY(own.skus) AND r.sku NOT IN (SELECT sku FROM excluded)
                ORDER BY r.score DESC, r.sku LIMIT 1) ORDER BY g.score DESC, g.other) AS bought
        FROM (SELECT t.other, sum(t.score) AS score FROM unnest(own.skus) o (sku) CROSS JOIN LATERAL (
                SELECT t.other, t.score FROM sold_together t WHERE t.sku = o.sku OFFSET 0) t
            WHERE t.other <> ALL(own.skus) AND t.other NOT IN (SELECT sku FROM excluded)
                AND o.sku NOT IN (SELECT sku FROM excluded)
            GROUP BY t.other ORDER BY score DESC, t.other LIMIT :most) g) c""")  # noqa: S608
# What a few bought is no best seller, and its name may tell who they are: a cake with somebody's name on it.
_BEST = text(f"""
    SELECT p.sku, p.name FROM sold_products p
    WHERE p.last_on > (SELECT max(day) - {LATELY_DAYS} FROM sold_counts) AND p.buyers >= {FEWEST_TOGETHER}
        AND NOT {EXCLUDED}
    ORDER BY p.place LIMIT {_MOST_BEST}""")  # noqa: S608


def recommendations(*, member_id: int, most: int = MOST) -> Recommendations:
    """For one member, best first."""
    with reading() as connection:
        return pick(connection, [member_id], most)[member_id]


def firsts(session: Session, member_ids: Sequence[int]) -> Mapping[int, Recommended]:
    """What is recommended first to each of the members; who is recommended nothing is not in it."""
    found = pick(session, member_ids, 1)
    return {member_id: of.items[0] for member_id, of in found.items() if of.items}


def pick(
    connection: Connection | Session, member_ids: Sequence[int], most: int
) -> dict[int, Recommendations]:
    """For each of some thousand members, in three statements however many there are."""
    excluded = in_force(connection, RecommendationPolicy).value.values()
    rows = connection.execute(_PICKED, {"ids": list(member_ids), "most": most, **excluded}).all()
    best = connection.execute(_BEST, excluded).all()
    return {
        row.member_id: Recommendations(personalised=row.personal, items=tuple(_for(row, best, most)))
        for row in rows
    }


def _for(
    row: Row[tuple[object, ...]], best: Sequence[Row[tuple[str, str]]], most: int
) -> Iterator[Recommended]:
    picked = row.picked or []
    for sku, name, bought in zip(picked, row.names or [], row.bought or [], strict=True):
        yield Recommended(sku=sku, name=name, because="bought_with", name_bought=bought)
    # Of who has bought nothing, or whose purchases are not looked at, nothing is there to be left out.
    known, left = {*row.skus, *picked}, most - len(picked)
    for one in best:
        if left <= 0:
            return
        if one.sku not in known:
            left -= 1
            yield Recommended(sku=one.sku, name=one.name, because="best_seller")
