"""What is done for the members of a batch, and what became of each, in the transaction of whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import audit
from app.automations.actions import Actions, Coupon, Points, gift_words, kept
from app.automations.models import Automation, AutomationRun
from app.campaigns.picked import is_picked
from app.campaigns.telling import Telling, tell_each
from app.campaigns.wording import with_gift
from app.clock import HOME_ZONE, business_date
from app.coupons.gift import issue_if_possible, tell_of_silent
from app.coupons.issue import Source
from app.ids import new_id
from app.ledger.post import Cause
from app.messages.campaign import AUTOMATION
from app.messages.policy import MessagePolicy
from app.points.give_each import give_each
from app.policies import in_force
from app.segments.tags import put_on_each, take_off_each

SOURCE = "automation"


@dataclass(kw_only=True)
class Outcome:
    """`channel` is that of the message. `untold` and `unissued` say why not; `again`: it is not known yet, and nothing
    else was done."""

    message_id: str | None = None
    channel: str | None = None
    untold: str | None = None
    coupons: int = 0
    unissued: str | None = None
    points: int = 0
    tagged: bool = False
    again: bool = False

    @property
    def acted(self) -> bool:
        return bool(self.message_id or self.coupons or self.points or self.tagged)

    @property
    def refused(self) -> str | None:
        """Why nothing came of it at all."""
        return None if self.acted else self.unissued or self.untold


def give(
    session: Session,
    automation: Automation,
    runs: Sequence[AutomationRun],
    *,
    app_id: str | None,
    now: datetime,
) -> dict[int, Outcome]:
    """By run, of members whom the caller holds, one run each. Value first, so that a message says what is there then.

    Of what has a price there is one run at a time: who holds the accounts and the stock of many keeps tills waiting.
    """
    done = kept(automation.actions)
    assert len(runs) == 1 or not done.gives
    outcomes = {run.id: Outcome() for run in runs}
    naming = done.channels_naming_coupon()
    for run in runs:
        if done.coupon is not None:
            _issue(session, done.coupon, run, outcomes[run.id], now, silently=bool(naming))
        if done.points is not None:
            outcomes[run.id].points = _post(session, automation, done.points, run, now)
    _tag(session, done, runs, outcomes, now)
    if done.message is not None:
        telling = Telling(
            channel=done.message.channel,
            else_inbox=done.message.else_inbox,
            content=with_gift(done.message.content, gift_words(session, done, now)),
            app_id=app_id,
            came_from=("automation", str(automation.no)),
            picked=is_picked(session, automation.segment_id, automation.segment_version),
        )
        # A message may tell of the coupon: who does not get it is not told, as of a campaign.
        for outcome in outcomes.values():
            outcome.untold = outcome.unissued
        told = [run for run in runs if outcomes[run.id].unissued is None]
        if told:
            _tell(session, telling, told, outcomes, now)
    for run in runs:
        # Whom the message that names it does not reach is told of it by itself.
        if naming and outcomes[run.id].coupons and outcomes[run.id].channel not in naming:
            tell_of_silent(session, member_id=run.member_id, source=_source(run), now=now)
    return outcomes


def _source(run: AutomationRun) -> Source:
    return Source(kind=SOURCE, id=str(run.id))


def _issue(
    session: Session, coupon: Coupon, run: AutomationRun, outcome: Outcome, now: datetime, *, silently: bool
) -> None:
    outcome.unissued = issue_if_possible(
        session,
        template_id=coupon.template,
        member_id=run.member_id,
        count=coupon.count,
        source=_source(run),
        now=now,
        silently=silently,
    )
    outcome.coupons = 0 if outcome.unissued else coupon.count


def _post(session: Session, automation: Automation, points: Points, run: AutomationRun, now: datetime) -> int:
    cause = Cause(
        kind="automation",
        source_type="automation_run",
        source_id=str(run.id),
        rule_id=automation.no,
        occurred_at=now,
        business_date=business_date(now, HOME_ZONE),
    )
    members = {cause.source_id: run.member_id}
    give_each(session, points.points, lifetime_days=points.lifetime_days, cause=cause, members=members)
    return points.points


def _tag(
    session: Session,
    done: Actions,
    runs: Sequence[AutomationRun],
    outcomes: dict[int, Outcome],
    now: datetime,
) -> None:
    members = sorted(run.member_id for run in runs)
    if done.tag_on is not None:
        put_on_each(session, done.tag_on, members, actor=audit.SYSTEM, now=now)
    if done.tag_off is not None:
        take_off_each(session, done.tag_off, members, actor=audit.SYSTEM, now=now)
    for outcome in outcomes.values():
        outcome.tagged = bool(done.tag_on or done.tag_off)


def _tell(
    session: Session,
    telling: Telling,
    runs: Sequence[AutomationRun],
    outcomes: dict[int, Outcome],
    now: datetime,
) -> None:
    """Once: by the run that is decided about here; its message has the key of this batch."""
    members = [run.member_id for run in runs]
    found = tell_each(
        session,
        telling,
        members,
        kind=AUTOMATION,
        subject=f"{SOURCE}:{new_id(now)}",
        policy=in_force(session, MessagePolicy).value,
        now=now,
        wait=True,
    )
    messages = {
        member: (message, channel) for channel, told in found.told.items() for member, message in told.items()
    }
    for run in runs:
        outcome = outcomes[run.id]
        outcome.message_id, outcome.channel = messages.get(run.member_id, (None, None))
        outcome.untold = None if outcome.message_id else found.refused.get(run.member_id)
        if outcome.message_id is None and outcome.untold is None:
            # Whose credit came or went in this very moment is looked at again, unless something else was done.
            outcome.again = not outcome.acted
            outcome.untold = "no_credit"
