"""Making, changing and ending rules of earning, as app/points/rule_change.py tells; and the plain rate of a store."""

from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app import audit
from app.db import transaction
from app.errors import Invalid
from app.points import rule_change
from app.points.loaded import rule_of
from app.points.models import EarnRule
from app.points.rules import NEVER, Base, Conditions, Expiry, Rule
from app.points.versions import EARN_RULES, Draft

APPROVAL_KIND = EARN_RULES.name

create = partial(rule_change.create, EARN_RULES)
change = partial(rule_change.change, EARN_RULES)
end = partial(rule_change.end, EARN_RULES)
carry_out = partial(rule_change.carry_out, EARN_RULES)


class RateMissing(Invalid):
    """Only a store can hand back to the brand; the brand needs a rate, 0 for none."""

    code = "rate_missing"


def set_rule(
    *,
    store_id: int | None,
    rate_bp: int | None,
    lifetime_days: int | None,
    effective_from: datetime,
    actor: audit.Actor,
    now: datetime,
) -> int:
    """Set the plain rate of a store, or of the brand (no store); the store's without a rate hands back to the brand.

    For the operator: nobody else is asked.
    Returns the id of the version. Raises `RuleInThePast`, `RateMissing` for the brand.
    """
    if store_id is None and rate_bp is None:
        raise RateMissing
    with transaction() as session:
        EARN_RULES.one_after_another(session)
        newest = _plain(session, store_id)
        if rate_bp is None:
            if newest is None:
                return 0
            return rule_change.end_it(EARN_RULES, session, newest, effective_from, actor, now).id
        draft = _plain_draft(store_id, rate_bp, lifetime_days, effective_from)
        if newest is None:
            return EARN_RULES.add(session, EARN_RULES.next_no(session), 1, draft, "create", actor, now).id
        return EARN_RULES.add(session, newest.rule_no, newest.version + 1, draft, "change", actor, now).id


def _plain(session: Session, store_id: int | None) -> Rule | None:
    """The newest version of the base rule that names this store, or none, and asks for nothing else."""
    newest = session.execute(
        select(EarnRule)
        .where(EarnRule.kind == "base", EarnRule.applies_to == "sale")
        .ext(distinct_on(EarnRule.rule_no))
        .order_by(EarnRule.rule_no, EarnRule.version.desc())
    ).scalars()
    wanted = _only(store_id)
    fitting = [rule for rule in map(rule_of, newest) if rule.definition.conditions == wanted]
    return max(fitting, key=lambda rule: rule.precedence, default=None)


def _only(store_id: int | None) -> Conditions:
    return Conditions(stores=None if store_id is None else frozenset({store_id}))


def _plain_draft(
    store_id: int | None, rate_bp: int, lifetime_days: int | None, effective_from: datetime
) -> Draft:
    expiry = NEVER if lifetime_days is None else Expiry(kind="days", n=lifetime_days)
    return Draft(
        name_zh="消费积分" if store_id is None else "门店消费积分",
        name_en="Points for purchases" if store_id is None else "Points for purchases in this store",
        definition=Base(conditions=_only(store_id), rate_bp=rate_bp, expiry=expiry),
        effective_from=effective_from,
    )
