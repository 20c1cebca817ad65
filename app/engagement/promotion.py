"""What a promotion puts on while it is live: rules of earning and of discount, and its reward items in the mall."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import audit
from app.approvals.second_person import Exceeded
from app.db import into
from app.discounts import change as discounts
from app.discounts.change import DISCOUNT_RULES
from app.discounts.rules import Definition as DiscountDefinition
from app.engagement.activity import Activity
from app.engagement.definitions import ActivityMalformed, Promotion
from app.engagement.models import ActivityRule
from app.engagement.rewards import change_item
from app.engagement.rewards.models import RewardItem
from app.points.known_names import check_names
from app.points.rule_change import end_it
from app.points.rulebook import RuleBook
from app.points.rules import Caps, Extra, Multiplier
from app.points.versions import EARN_RULES, Draft

#: Locked in this order by whoever writes in both.
_BOOKS: tuple[RuleBook[Any, Any], ...] = (EARN_RULES, DISCOUNT_RULES)
#: `{table}` is a book's own.
_NEWEST = """
    SELECT DISTINCT ON (r.rule_no) r.* FROM {table} r JOIN activity_rules a ON a.rule_no = r.rule_no
    WHERE a.book = :book AND a.activity_id = :id ORDER BY r.rule_no, r.version DESC"""
_KEPT = text("""
    SELECT n.item_id FROM activities a
    CROSS JOIN LATERAL jsonb_array_elements_text(a.definition -> 'items') n (item_id)
    WHERE a.kind = 'promotion' AND a.state = 'live' AND a.id <> :id AND (a.ends_at IS NULL OR a.ends_at > :now)
        AND n.item_id = ANY(CAST(:items AS varchar[]))""")


def check(session: Session, what: Promotion) -> None:
    """What only the database knows. Raises `ActivityMalformed`, `RuleNamesUnknown`."""
    check_names(session, what.conditions)
    known = session.execute(select(RewardItem.id).where(RewardItem.id.in_(what.items))).scalars().all()
    if len(known) != len(what.items):
        raise ActivityMalformed(reason="items: there is no such reward item")


def exceeded(session: Session, found: Activity, now: datetime) -> tuple[Exceeded, ...]:
    """The limits that keep one person from putting it on alone. Nobody else changes its items, or writes rules, until
    the transaction ends."""
    assert isinstance(found.definition, Promotion)
    change_item.lock(session, found.definition.items)
    why = [one for item_id in found.definition.items for one in change_item.limits(session, item_id)]
    for book, draft in _drafts(found, now):
        book.one_after_another(session)
        why += book.exceeded(session, draft, book.made_alone(session, None, now))
    return tuple(dict.fromkeys(why))


def items_of(session: Session, found: Activity) -> list[dict[str, Any]]:
    """Its items as a second person sees them, who agrees to nothing else."""
    what = found.definition
    return change_item.put_before(session, what.items) if isinstance(what, Promotion) else []


def begin(
    session: Session, found: Activity, actor: audit.Actor, now: datetime, approval_id: str | None
) -> None:
    """Make its rules, and put its items into the mall. Raises `ActivityMalformed` for one that is over."""
    if not isinstance(found.definition, Promotion):
        return
    if found.ends_at is not None and found.ends_at <= now:
        raise ActivityMalformed(reason="ends_at: it is over")
    for book, draft in _drafts(found, now):
        book.one_after_another(session)
        rule_no = book.next_no(session)
        book.add(session, rule_no, 1, draft, "create", actor, now, approval_id=approval_id)
        session.execute(
            into(ActivityRule),
            {
                "book": book.name,
                "rule_no": rule_no,
                "activity_id": found.id,
            },
        )
    for item_id in sorted(found.definition.items):
        change_item.turn(session, item_id, "live", actor, now)


def finish(session: Session, found: Activity, actor: audit.Actor, now: datetime) -> None:
    """End its rules, and take its items out of the mall, but for those that another one keeps there."""
    if not isinstance(found.definition, Promotion):
        return
    items = sorted(found.definition.items)
    change_item.lock(session, items)
    for book in _BOOKS:
        book.one_after_another(session)
        newest = text(_NEWEST.format(table=book.model.__tablename__))
        for row in session.execute(newest, {"book": book.name, "id": found.id}).all():
            rule = book.rule_of(row)
            if rule.effective_until != rule.effective_from:
                end_it(book, session, rule, now, actor, now)
    # Looked for behind the lock: of two that stop at once the later one sees that the other has.
    kept = set(session.execute(_KEPT, {"id": found.id, "items": items, "now": now}).scalars())
    for item_id in items:
        if item_id not in kept:
            change_item.turn(session, item_id, "stopped", actor, now)


def _drafts(found: Activity, now: datetime) -> Iterator[tuple[RuleBook[Any, Any], Any]]:
    """The rules it makes, and in which books."""
    if (earning := _earning(found, now)) is not None:
        yield EARN_RULES, earning
    if (discount := _discount(found, now)) is not None:
        yield DISCOUNT_RULES, discount


def _discount(found: Activity, now: datetime) -> discounts.Draft | None:
    what = found.definition
    assert isinstance(what, Promotion)
    if what.discount is None:
        return None
    return discounts.Draft(
        name_zh=found.name_zh,
        name_en=found.name_en,
        definition=DiscountDefinition(
            conditions=what.conditions, effect=what.discount.effect, at_least_fen=what.discount.at_least_fen
        ),
        group=what.discount.group,
        effective_from=max(found.starts_at, now),
        effective_until=found.ends_at,
    )


def _earning(found: Activity, now: datetime) -> Draft | None:
    what = found.definition
    assert isinstance(what, Promotion)
    caps = Caps(per_day=what.per_day)
    if what.factor_bp is not None:
        definition: Multiplier | Extra = Multiplier(
            factor_bp=what.factor_bp, conditions=what.conditions, caps=caps
        )
    elif what.points is not None:
        definition = Extra(points=what.points, conditions=what.conditions, caps=caps)
    else:
        return None
    return Draft(
        name_zh=found.name_zh,
        name_en=found.name_en,
        definition=definition,
        effective_from=max(found.starts_at, now),
        effective_until=found.ends_at,
    )
