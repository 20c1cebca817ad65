"""Making, changing, putting on and stopping activities. What is generous goes live only with a second person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved, Exceeded, Waiting
from app.coupons.models import CouponTemplate
from app.db import into, transaction
from app.engagement import promotion, survey_forms
from app.engagement.activity import Activity, one
from app.engagement.definitions import ActivityMalformed, Definition, Kind, Lottery, Promotion, Survey
from app.engagement.models import ActivityBudget, ActivityRow
from app.engagement.policy import exceeded
from app.errors import Conflict, VersionConflict
from app.ids import new_id
from app.staff.roles import MANAGE_ACTIVITIES
from app.staff.sign_in import may_still

APPROVAL_KIND = "activity"


class ActivityLive(Conflict):
    """It is on: stop it before it is changed."""

    code = "activity_live"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an activity is to be. A budget of None is no limit; a lottery has none but its stock."""

    kind: Kind
    name_zh: str
    name_en: str
    definition: Definition
    starts_at: datetime
    ends_at: datetime | None
    points_most: int | None
    coupons_most: int | None


def create(*, draft: Draft, actor: audit.Actor, now: datetime) -> Activity:
    """A draft. Raises `ActivityMalformed`, `RuleNamesUnknown`."""
    with transaction() as session:
        return add(session, draft, actor, now)


def add(session: Session, draft: Draft, actor: audit.Actor, now: datetime) -> Activity:
    """The same within someone's transaction."""
    _check(session, draft, None)
    activity_id = new_id(now)
    values = _values(draft) | {"kind": draft.kind, "created_by": actor.id, "created_at": now}
    session.execute(
        into(ActivityRow),
        {
            "id": activity_id,
            "state": "draft",
            "version": 1,
            **values,
        },
    )
    _set_budgets(session, activity_id, draft)
    _record(session, actor, "activity.create", activity_id, now, after=_told(draft))
    return one(session, activity_id)


def change(*, activity_id: str, version: int, draft: Draft, actor: audit.Actor, now: datetime) -> Activity:
    """A stopped one becomes a draft again. Its kind stays, and what it has given counts against the new budget.

    Raises `NotFound`, `VersionConflict`, `ActivityLive`, `ActivityMalformed`.
    """
    with transaction() as session:
        former = _locked(session, activity_id, version)
        if former.state == "live":
            raise ActivityLive
        if draft.kind != former.kind:
            raise ActivityMalformed(reason="kind: an activity stays of its kind")
        _check(session, draft, former)
        _write(session, former, state="draft", **_values(draft))
        _set_budgets(session, activity_id, draft)
        before = _told(former)
        _record(session, actor, "activity.change", activity_id, now, before=before, after=_told(draft))
        return one(session, activity_id)


def publish(*, activity_id: str, version: int, actor: audit.Actor, now: datetime) -> Activity | Waiting:
    """Let it go live, or ask a second person. Raises `NotFound`, `VersionConflict`, `ActivityLive`."""
    with transaction() as session:
        found = _locked(session, activity_id, version)
        if found.state == "live":
            raise ActivityLive
        why = limits(session, found, now)
        if actor.type != "staff" or actor.id is None or not why:
            return _go_live(session, found, actor, now, None)
        approval_id = second_person.ask(
            session,
            kind=APPROVAL_KIND,
            subject=activity_id,
            details=_told(found) | {"version": version, "items": promotion.items_of(session, found)},
            store_id=_only_store(found),
            staff_id=actor.id,
            now=now,
        )
        return Waiting(approval_id=approval_id, why=why)


def limits(session: Session, found: Activity, now: datetime) -> tuple[Exceeded, ...]:
    """What keeps one person from putting it on alone, of its own policy and of those of its parts."""
    of_parts = promotion.exceeded(session, found, now) if isinstance(found.definition, Promotion) else ()
    return exceeded(session, found) + of_parts


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Put on what a second person agreed to.

    Raises `ApprovalOutdated` when it, or an item of a promotion, is no longer what they saw, or whoever asked has lost
    the right or the account.
    """
    try:
        found = _locked(session, approved.subject, approved.details["version"])
    except VersionConflict as error:
        raise ApprovalOutdated from error
    if promotion.items_of(session, found) != approved.details.get("items", []):
        raise ApprovalOutdated
    stores = found.definition.conditions.stores
    if not all(
        may_still(session, approved.requested_by, MANAGE_ACTIVITIES, store) for store in stores or (None,)
    ):
        raise ApprovalOutdated
    actor = audit.Actor(type="staff", id=approved.requested_by)
    _go_live(session, found, actor, now, approved.id)


def stop(*, activity_id: str, version: int, actor: audit.Actor, now: datetime) -> Activity:
    """Raises `NotFound`, `VersionConflict`."""
    with transaction() as session:
        found = _locked(session, activity_id, version)
        if found.state == "live":
            _write(session, found, state="stopped")
            promotion.finish(session, found, actor, now)
            _record(session, actor, "activity.stop", activity_id, now)
        return one(session, activity_id)


def stop_used_up(session: Session, activity_id: str, *, now: datetime) -> None:
    """Its budget is used up: nobody needs to find it still on."""
    stopped = session.execute(_STOP, {"id": activity_id}).rowcount  # type: ignore[attr-defined]
    if stopped:
        promotion.finish(session, one(session, activity_id), audit.SYSTEM, now)
        _record(session, audit.SYSTEM, "activity.used_up", activity_id, now)


_STOP = text(
    "UPDATE activities SET state = 'stopped', version = version + 1 WHERE id = :id AND state = 'live'"
)


def _go_live(
    session: Session, found: Activity, actor: audit.Actor, now: datetime, approval_id: str | None
) -> Activity:
    _write(session, found, state="live")
    if isinstance(found.definition, Survey):
        survey_forms.freeze(session, found.id, found.definition, now)
    promotion.begin(session, found, actor, now, approval_id)
    _record(session, actor, "activity.publish", found.id, now, approval_id=approval_id)
    return one(session, found.id)


def _locked(session: Session, activity_id: str, version: int) -> Activity:
    session.execute(select(ActivityRow.id).where(ActivityRow.id == activity_id).with_for_update())
    found = one(session, activity_id)
    if found.version != version:
        raise VersionConflict(version=found.version)
    return found


def _write(session: Session, former: Activity, **values: Any) -> None:
    session.execute(
        update(ActivityRow).where(ActivityRow.id == former.id).values(version=former.version + 1, **values)
    )


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "name_zh": draft.name_zh,
        "name_en": draft.name_en,
        "definition": msgspec.to_builtins(draft.definition),
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
    }


def _set_budgets(session: Session, activity_id: str, draft: Draft) -> None:
    for unit, most in (("points", draft.points_most), ("coupons", draft.coupons_most)):
        values = {"id": activity_id, "unit": unit, "most": most}
        if most is None:
            where = (ActivityBudget.activity_id == activity_id, ActivityBudget.unit == unit)
            session.execute(delete(ActivityBudget).where(*where))
        else:
            session.execute(_SET_BUDGET, values)


# What was given before there was a budget counts as well.
_SET_BUDGET = text("""
    INSERT INTO activity_budgets (activity_id, unit, most, given)
    SELECT CAST(:id AS varchar), CAST(:unit AS varchar), :most,
        coalesce(sum(CASE CAST(:unit AS varchar) WHEN 'points' THEN points ELSE coupons END), 0)
    FROM activity_grants WHERE activity_id = :id
    ON CONFLICT (activity_id, unit) DO UPDATE SET most = excluded.most""")
_GIVEN = text("""
    SELECT coalesce(sum(points), 0) AS points, coalesce(sum(coupons), 0) AS coupons FROM activity_grants
    WHERE activity_id = :id""")
_LOTTERIES = text("SELECT count(*) FROM activities WHERE kind = 'lottery' AND id = ANY(:ids)")


def _check(session: Session, draft: Draft, former: Activity | None) -> None:
    """What only the database knows. Raises `ActivityMalformed`."""
    if draft.ends_at is not None and draft.ends_at <= draft.starts_at:
        raise ActivityMalformed(reason="ends_at is not after starts_at")
    if isinstance(draft.definition, Lottery) and (draft.points_most, draft.coupons_most) != (None, None):
        raise ActivityMalformed(reason="a lottery has no budget: the stock of its prizes is one")
    _check_budgets(session, draft, former)
    if isinstance(draft.definition, Promotion):
        promotion.check(session, draft.definition)
        if draft.coupons_most is not None:
            raise ActivityMalformed(reason="coupons_most: a promotion gives no coupons")
        if draft.points_most is not None and not draft.definition.gives_points:
            raise ActivityMalformed(reason="points_most: without a rule of earning it gives no points")
    rewards = list(draft.definition.rewards())
    templates = {reward.coupon_template for reward in rewards if reward.coupons}
    known = session.execute(select(CouponTemplate.id).where(CouponTemplate.id.in_(templates))).scalars().all()
    if len(known) != len(templates):
        raise ActivityMalformed(reason="reward: there is no such coupon_template")
    lotteries = {reward.lottery for reward in rewards if reward.chances}
    if session.execute(_LOTTERIES, {"ids": sorted(lotteries)}).scalar_one() != len(lotteries):
        raise ActivityMalformed(reason="reward: there is no such lottery")
    about = draft.definition.about if isinstance(draft.definition, Survey) else None
    if about is not None and session.get(ActivityRow, about) is None:
        raise ActivityMalformed(reason="about: there is no such activity")
    own = {former.id} if former is not None else set[str]()
    if isinstance(draft.definition, Lottery) and lotteries - own:
        # Else two draws of one member would take their places in two lotteries in different orders.
        raise ActivityMalformed(reason="reward: a lottery gives chances in itself only")


def _check_budgets(session: Session, draft: Draft, former: Activity | None) -> None:
    if former is None:
        return
    given = session.execute(_GIVEN, {"id": former.id}).one()
    for unit, most in (("points", draft.points_most), ("coupons", draft.coupons_most)):
        if most is not None and most < getattr(given, unit):
            raise ActivityMalformed(reason=f"{unit}_most: more is given already")


def _only_store(found: Activity) -> int | None:
    stores = found.definition.conditions.stores
    return next(iter(stores)) if stores is not None and len(stores) == 1 else None


def _told(what: Draft | Activity) -> dict[str, Any]:
    return {
        "kind": what.kind,
        "name_zh": what.name_zh,
        "name_en": what.name_en,
        "definition": msgspec.to_builtins(what.definition, order="deterministic"),
        "starts_at": what.starts_at.isoformat(),
        "ends_at": None if what.ends_at is None else what.ends_at.isoformat(),
        "points_most": what.points_most,
        "coupons_most": what.coupons_most,
    }


def _record(
    session: Session,
    actor: audit.Actor,
    action: str,
    activity_id: str,
    now: datetime,
    **data: Any,
) -> None:
    audit.record(session, actor, action, "activity", activity_id, now=now, **data)
