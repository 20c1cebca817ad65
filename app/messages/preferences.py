"""What a member wants to be told: their choices about marketing, and what they stop at once.

Staff may record what a member has told them. They never take a refusal back by themselves: that the member asked for it
is said with it, and stands in the audit log under their name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.db import reading, transaction
from app.errors import Invalid, NotFound
from app.members import marketing, profile
from app.members.marketing import ALL, Source
from app.members.models import Member
from app.messages.cancel import cancel_refused
from app.messages.policy import MessagePolicy
from app.policies import in_force


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """`refused`: of `marketing.SCOPES`. Marketing keeps quiet between the two times of the member's clock, if any."""

    refused: frozenset[str]
    quiet_from: str | None
    quiet_until: str


def preferences(*, member_id: int) -> Preferences:
    with reading() as connection:
        policy = in_force(connection, MessagePolicy).value
        refused = marketing.refused(connection, member_id)
    return Preferences(refused=refused, quiet_from=policy.quiet_from, quiet_until=policy.quiet_until)


def set_preferences(
    *, member_id: int, refused: frozenset[str], among: Sequence[str] = marketing.SCOPES, now: datetime
) -> None:
    """What the member refuses among those, whole. Raises `Unauthenticated` for a membership that stopped meanwhile."""
    with transaction() as session:
        profile.locked(session, member_id)
        prefer(session, member_id, {scope: scope in refused for scope in among}, now=now)


def edit(
    *, member_id: int, changes: profile.Changes, marketing_opt_out: bool | None = None, now: datetime
) -> None:
    """Change the member's own record; all or nothing. Raises as `profile.change`."""
    with transaction() as session:
        profile.change(session, member_id, changes, now=now)
        if marketing_opt_out is not None:
            profile.locked(session, member_id)
            prefer(session, member_id, {ALL: marketing_opt_out}, now=now)


class OptInNotAsked(Invalid):
    """Marketing is allowed again by the member alone, or because the member asked staff to."""

    code = "opt_in_not_asked"


def record(
    *, member_no: str, choices: Mapping[str, bool], asked: bool, note: str, staff_id: int, now: datetime
) -> frozenset[str]:
    """By staff: scope by scope (`marketing.SCOPES`) whether the member refuses marketing; all that is refused by now.

    `asked`: the member asked for what is allowed again. Raises `OptInNotAsked`, `NotFound` for the number of no member
    who is with us.
    """
    if not asked and not all(choices.values()):
        raise OptInNotAsked
    with transaction() as session:
        there = (Member.member_no == member_no) & Member.status.in_(("active", "frozen"))
        member_id = session.execute(select(Member.id).where(there)).scalar_one_or_none()
        if member_id is None:
            raise NotFound
        prefer(session, member_id, choices, now=now, source="staff", staff_id=staff_id)
        actor = audit.Actor(type="staff", id=staff_id)
        told: dict[str, Any] = {"choices": dict(choices), "asked": asked, "note": note}
        audit.record(session, actor, "member.marketing", "member", member_id, now=now, **told)
        return marketing.refused(session, member_id)


def prefer(
    session: Session,
    member_id: int,
    wanted: Mapping[str, bool],
    *,
    now: datetime,
    source: Source = "member",
    staff_id: int | None = None,
) -> None:
    """Scope by scope, whether the member refuses marketing; what was planned and is refused now is cancelled."""
    session.execute(select(Member.id).where(Member.id == member_id).with_for_update(key_share=True)).one()
    changed = [
        opted_out
        for scope, opted_out in wanted.items()
        if marketing.choose(
            session, member_id, scope, opted_out=opted_out, source=source, staff_id=staff_id, now=now
        )
    ]
    if any(changed):
        cancel_refused(session, member_id, now=now)
