"""Who is meant by what happened: one question to the database for each kind, asked of a fact, a run or a past time.

Each is about an automation `a` and answers with a member, the occasion and its time. `{these}` says which are looked
at: those whose occasions, or what they came with, are `:subjects`; or those from `:since` until `:until`. What went
back since, was undone or called off does not count, so that asking again later says whether the reason still holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.automations.triggers import EVENT_KINDS


@dataclass(frozen=True, kw_only=True)
class Question:
    """`facts` are the kinds of fact that make it be asked. Of a past time ids are made from `:first` on."""

    facts: tuple[str, ...]
    sql: str
    by_subject: str
    by_time: str

    def of_subjects(self) -> str:
        return self.sql.format(these=self.by_subject)

    def of_the_past(self) -> str:
        return self.sql.format(these=self.by_time)


_SUBJECTS = "ANY(CAST(:subjects AS text[]))"
_TIME = "{at} >= :since AND {at} < :until"
_BACK = "coalesce((SELECT sum(r.amount_fen) FROM refunds r WHERE r.sale_id = {sale}.id), 0)"
_KEPT = "coalesce((SELECT sum(r.amount_fen) FROM refunds r WHERE r.sale_id = s.id), -1) < s.amount_fen"
_BY_SALE = f"s.id = {_SUBJECTS}"
_BY_SALE_TIME = f"s.id >= :first AND {_TIME.format(at='s.occurred_at')}"
_SALES = "SELECT s.member_id, s.id AS occasion, s.occurred_at AS at FROM sales s"


def _sale(where: str, *, joined: str = "") -> Question:
    return Question(
        facts=("sale_completed",),
        sql=f"{_SALES} {joined} WHERE {{these}} AND s.member_id IS NOT NULL AND {_KEPT} AND {where}",
        by_subject=_BY_SALE,
        by_time=_BY_SALE_TIME,
    )


_FIRST = """NOT EXISTS (SELECT FROM sales e WHERE e.member_id = s.member_id
        AND (e.occurred_at, e.id) < (s.occurred_at, s.id)
        AND NOT EXISTS (SELECT FROM refunds r WHERE r.sale_id = e.id AND r.reason = 'void'))"""
_BEFORE = f"""CROSS JOIN LATERAL (
        SELECT coalesce(sum(e.amount_fen - {_BACK.format(sale="e")}), 0) AS fen FROM sales e
        WHERE e.member_id = s.member_id AND (e.occurred_at, e.id) < (s.occurred_at, s.id)
            AND e.business_date > s.business_date - CAST(a.trigger ->> 'days' AS integer)) b"""  # noqa: S608
_AT_LEAST = "CAST(a.trigger ->> 'at_least_fen' AS bigint)"
_OWN = f"s.amount_fen - {_BACK.format(sale='s')}"

QUESTIONS: Mapping[str, Question] = {
    "joined": Question(
        facts=("member_joined",),
        sql="SELECT j.id AS member_id, j.public_id AS occasion, j.joined_at AS at FROM members j WHERE {these}",
        by_subject=f"j.public_id = {_SUBJECTS}",
        by_time=_TIME.format(at="j.joined_at"),
    ),
    "first_purchase": _sale(_FIRST),
    "spent_in_sale": _sale(f"{_OWN} >= {_AT_LEAST}"),
    "spent_in_days": _sale(f"b.fen < {_AT_LEAST} AND b.fen + {_OWN} >= {_AT_LEAST}", joined=_BEFORE),
    # Of whoever has fallen since nothing is told.
    "tier_up": Question(
        facts=("tier_reached",),
        sql="""SELECT c.member_id, concat(c.member_id, ':', c.seq) AS occasion, c.decided_at AS at FROM tier_changes c
            JOIN members n ON n.id = c.member_id JOIN tiers t ON t.id = n.tier_id AND t.code = c.to_tier
            WHERE c.kind = 'upgrade' AND c.to_tier = coalesce(a.trigger ->> 'tier', c.to_tier) AND {these}""",
        by_subject="""(c.member_id, c.seq) IN (
            SELECT CAST(split_part(x, ':', 1) AS bigint), CAST(split_part(x, ':', 2) AS integer)
            FROM unnest(CAST(:subjects AS text[])) x)""",
        by_time=_TIME.format(at="c.decided_at"),
    ),
    "coupon_used": Question(
        facts=("sale_completed", "coupon_redeemed"),
        sql="""SELECT r.member_id, r.id AS occasion, r.occurred_at AS at
            FROM coupon_redemptions r JOIN coupons c ON c.id = r.coupon_id
            WHERE r.undone_at IS NULL AND c.template_id = coalesce(a.trigger ->> 'template', c.template_id)
                AND {these}""",
        by_subject=f"(r.id = {_SUBJECTS} OR r.sale_id = {_SUBJECTS})",
        by_time=f"r.id >= :first AND {_TIME.format(at='r.occurred_at')}",
    ),
    "event_booked": Question(
        facts=("event_booked", "event_promoted"),
        sql="""SELECT k.member_id, k.id AS occasion, coalesce(k.promoted_at, k.asked_at) AS at
            FROM event_bookings k JOIN event_sessions e ON e.id = k.session_id
            WHERE k.state IN ('booked', 'attended') AND e.event_id = coalesce(a.trigger ->> 'event', e.event_id)
                AND {these}""",
        by_subject=f"k.id = {_SUBJECTS}",
        by_time=_TIME.format(at="coalesce(k.promoted_at, k.asked_at)"),
    ),
}
assert tuple(QUESTIONS) == EVENT_KINDS

#: Kind of fact → kinds of automation that it may set going.
OF_FACT: Mapping[str, tuple[str, ...]] = {
    fact: tuple(kind for kind, one in QUESTIONS.items() if fact in one.facts)
    for fact in sorted({fact for one in QUESTIONS.values() for fact in one.facts})
}
