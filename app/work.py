"""What the worker does, and when. Each piece is safe to run twice, late, and on several machines."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from app import idempotency
from app.automations import act as automations
from app.automations import halt as automations_off
from app.automations import note as automation_notes
from app.automations import rows as automation_runs
from app.campaigns.halt import finish as finish_campaigns
from app.campaigns.plan import plan_due as plan_campaigns
from app.checkout import quote, scan, top_up
from app.checkout.offline_policy import LONGEST_HOURS
from app.checkout.refund_exchange import sweep as sweep_exchange_refunds
from app.checkout.refund_wechat_top_up import sweep as sweep_refunds
from app.checkout.settle_exchange import sweep as sweep_exchanges
from app.checkout.settle_top_up import sweep as sweep_top_ups
from app.coupons import grant_run
from app.engagement import gifts, lottery_rounds, referral_join
from app.engagement.earned_by import stop_used_up_promotions
from app.engagement.events.sweep import sweep as sweep_events
from app.engagement.rewards.cancel import expire as expire_rewards
from app.facts.models import Fact
from app.facts.relay import BATCH as FACTS_BATCH
from app.facts.relay import Consumer, Relay
from app.identity import followers, login, sessions
from app.identity.models import WECHAT_MINI
from app.jobs import engine as jobs
from app.jobs.beats import Beat
from app.jobs.engine import Recurring
from app.ledger.expire import expire
from app.members import home
from app.messages import outcome
from app.messages.gift import KINDS as GIFT_KINDS
from app.messages.gift import plan_gift, plan_reward_cancelled
from app.messages.outlets import Outlet
from app.messages.receipt import ReceiptTemplate, plan_receipt, plan_refund
from app.messages.send import fill_inboxes, send_by
from app.messages.top_up import plan_top_up
from app.messages.top_up_refund import plan_top_up_refund
from app.parts import Parts
from app.pruning import always
from app.recommendations import count as recommendations
from app.segments import totals
from app.staff import sign_in
from app.tiers import birthdays
from app.tiers import review as tiers

log = logging.getLogger(__name__)

#: Longer than the longest a till is away: a retried request must find its answer (reliability, A1).
_KEEP_KEYS = timedelta(days=8)
#: Longer than a till that was without network may take to upload (app/checkout/offline_policy.py): until then a code
#: that was taken must be known, and whether its ticket was used.
_KEEP_SCANS = timedelta(hours=LONGEST_HOURS) + timedelta(days=1)
_KEEP_LOGIN_CODES = timedelta(days=1)
_KEEP_SESSIONS = timedelta(days=30)
#: Long after the sale they became could be disputed at a till.
_KEEP_QUOTES = timedelta(days=90)
_KEEP_RUNS = timedelta(days=90)


class PruningFailed(Exception):
    """Names the kinds that could not be pruned; the log has said why. Makes the job count as failed."""


def beats(parts: Parts, clock: Callable[[], datetime], keep_going: Callable[[], bool]) -> list[Beat]:
    """What each worker does every second or so; stops early once `keep_going` says so."""
    relay, pay, app_id = fact_relay(parts), parts.wechat_pay, parts.settings.wechat_app_id

    def steady(name: str, every_s: float, run: Callable[..., object]) -> Beat:
        return Beat(name=name, every_s=every_s, run=lambda now: run(now=now, keep_going=keep_going))

    sweeps = {
        "top_ups.sweep": sweep_top_ups,
        "top_up_refunds.sweep": sweep_refunds,
        "exchanges.sweep": sweep_exchanges,
        "exchange_refunds.sweep": sweep_exchange_refunds,
    }
    top_ups = []
    if pay is not None:
        top_ups = [steady(name, 10, partial(sweep, pay)) for name, sweep in sweeps.items()]
    return [
        *top_ups,
        *_official_account(parts, keep_going),
        Beat(name="facts.relay", every_s=1, run=lambda now: tell_consumers(relay, now, keep_going)),
        steady("tiers.review", 1, tiers.review),
        Beat(name="segments.recount", every_s=2, run=lambda _: totals.recount(keep_going=keep_going)),
        steady("gifts.give", 1, gifts.give_due),
        steady("coupon_grants.sweep", 10, grant_run.sweep),
        steady("campaigns.plan", 1, partial(plan_campaigns, app_id=app_id)),
        steady("campaigns.finish", 30, finish_campaigns),
        steady("automations.scan", 60, automation_notes.scan),
        steady("automations.call_back", 2, automations_off.call_back_all),
        steady("automations.act", 1, partial(automations.act, app_id=app_id)),
        Beat(name="promotions.watch", every_s=60, run=lambda now: stop_used_up_promotions(now=now)),
        steady("events.sweep", 30, sweep_events),
        Beat(
            name="lottery.reveal",
            every_s=30,
            run=lambda now: lottery_rounds.reveal(vault=parts.seeds, now=now),
        ),
        Beat(
            name="messages.inbox", every_s=1, run=lambda _: fill_inboxes(clock=clock, keep_going=keep_going)
        ),
        # One for each provider: none waits for another.
        *(
            Beat(name=f"messages.{name}", every_s=1, run=partial(_send, outlet, clock, keep_going))
            for name, outlet in parts.outlets.items()
        ),
        Beat(name="messages.reclaim", every_s=20, run=reclaim),
    ]


def _official_account(parts: Parts, keep_going: Callable[[], bool]) -> list[Beat]:
    client = parts.official
    if client is None:
        return []

    def learn(now: datetime) -> int:
        return followers.learn(client, vault=parts.phones, now=now, keep_going=keep_going)

    return [Beat(name="followers.learn", every_s=2, run=learn)]


def recurring(keep_going: Callable[[], bool] = always) -> list[Recurring]:
    """The timetable: what one worker of many does; stops early once `keep_going` says so."""
    return [
        # Every hour, because midnight comes to each time zone at its own.
        Recurring(
            name="ledger.expire", cron="2 * * * *", run=lambda now: expire(now=now, keep_going=keep_going)
        ),
        Recurring(
            name="top_ups.close",
            cron="7 * * * *",
            run=lambda now: top_up.close_expired(now=now, keep_going=keep_going),
        ),
        Recurring(
            name="rewards.expire",
            cron="12 * * * *",
            run=lambda now: expire_rewards(now=now, keep_going=keep_going),
        ),
        # Every hour, too: the first run after the chain's midnight gives, the others find what was left.
        Recurring(
            name="tiers.birthdays",
            cron="7 * * * *",
            run=lambda now: birthdays.give(now=now, keep_going=keep_going),
        ),
        Recurring(name="recommend", cron="27 * * * *", run=lambda now: recommendations.count(now=now)),
        Recurring(name="prune", cron="17 * * * *", run=lambda now: prune(now, keep_going)),
    ]


def receipt_template(parts: Parts) -> ReceiptTemplate | None:
    """The brand's receipt template; None until WeChat and a template are set up."""
    settings = parts.settings
    if parts.wechat is None or settings.wechat_receipt_template is None or settings.wechat_app_id is None:
        return None
    return ReceiptTemplate(
        template_id=settings.wechat_receipt_template,
        fields=settings.wechat_receipt_fields,
        provider=WECHAT_MINI,
        app_id=settings.wechat_app_id,
    )


def fact_relay(parts: Parts) -> Relay:
    """Who reacts to which fact."""
    template = receipt_template(parts)

    def sold(session: Session, fact: Fact, at: datetime) -> None:
        # First: what it may be the occasion of asks where the member is at home.
        home.settle(session, fact)
        gifts.note(session, fact)
        totals.note(session, fact.member_id)
        automation_notes.note(session, fact)
        plan_receipt(session, fact, template, at)

    def refunded(session: Session, fact: Fact, at: datetime) -> None:
        gifts.note(session, fact)
        totals.note(session, fact.member_id)
        plan_refund(session, fact, at)

    def promoted(session: Session, fact: Fact, at: datetime) -> None:
        automation_notes.note(session, fact)
        plan_gift(session, fact, at)

    return Relay(
        {
            "sale_completed": _noted(sold),
            "sale_refunded": _noted(refunded),
            "topped_up": _noted(plan_top_up),
            "top_up_refunded": _noted(plan_top_up_refund),
            "reward_cancelled": _noted(plan_reward_cancelled),
            "member_joined": _noted(_each(gifts.note, automation_notes.note)),
            "profile_changed": _noted(_each(gifts.note)),
            "phone_in_use": _noted(_each(gifts.note)),
            **dict.fromkeys(GIFT_KINDS, _noted(plan_gift)),
            "event_promoted": _noted(promoted),
            "event_booked": _noted(_each(automation_notes.note)),
            "coupon_redeemed": _noted(_each(automation_notes.note)),
            # Told by the review of tiers itself: no reason for another one.
            "tier_reached": _each(automation_notes.note),
        }
    )


def _each(*notes: Callable[[Session, Fact], None]) -> Consumer:
    def noted(session: Session, fact: Fact, _: datetime) -> None:
        for note in notes:
            note(session, fact)

    return noted


def _noted(consumer: Consumer) -> Consumer:
    """With the tier's note before all else, also of what changes no tier.

    Whatever plans a message locks the member, and a batch holds its locks to the end: a note that came after, for the
    next fact of the same member, would wait for a review that waits for the member (app/tiers/review.py).
    """

    def noted(session: Session, fact: Fact, at: datetime) -> None:
        if fact.member_id is not None:
            tiers.note(session, fact.member_id, at=fact.created_at)
        consumer(session, fact, at)

    return noted


def tell_consumers(relay: Relay, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Hand over the facts that nobody has handled; how many were looked at."""
    total = batch = relay.run(now=now)
    while batch == FACTS_BATCH and keep_going():
        total += (batch := relay.run(now=now))
    return total


def send_messages(
    parts: Parts, clock: Callable[[], datetime], keep_going: Callable[[], bool] = always
) -> int:
    """Send what is due by every channel; how many messages were taken in hand."""
    taken = fill_inboxes(clock=clock, keep_going=keep_going)
    return taken + sum(
        send_by(outlet, clock=clock, keep_going=keep_going) for outlet in parts.outlets.values()
    )


def _send(outlet: Outlet, clock: Callable[[], datetime], keep_going: Callable[[], bool], _: datetime) -> None:
    send_by(outlet, clock=clock, keep_going=keep_going)


def reclaim(now: datetime) -> int:
    """Settle what a killed worker left behind."""
    return outcome.reclaim(now=now)


def prune(now: datetime, keep_going: Callable[[], bool] = always) -> dict[str, int]:
    """Forget what has served its time; how many rows of each kind.

    A kind that fails does not keep the others from their turn; at the end `PruningFailed` says that there was one.
    """
    pruned: dict[str, int] = {}
    failed: list[str] = []
    for kind, step in _pruners(now).items():
        try:
            pruned[kind] = step(keep_going)
        except Exception:
            log.exception("pruning %s failed", kind)
            failed.append(kind)
    if failed:
        raise PruningFailed(", ".join(failed))
    return pruned


def _pruners(now: datetime) -> dict[str, Callable[[Callable[[], bool]], int]]:
    old_sessions = now - _KEEP_SESSIONS
    return {
        "idempotency_keys": lambda keep_going: idempotency.prune(
            before=now - _KEEP_KEYS, keep_going=keep_going
        ),
        "quotes": lambda keep_going: quote.prune(before=now - _KEEP_QUOTES, keep_going=keep_going),
        "scans": lambda keep_going: scan.prune(before=now - _KEEP_SCANS, keep_going=keep_going),
        "login_codes": lambda keep_going: login.prune(before=now - _KEEP_LOGIN_CODES, keep_going=keep_going),
        "member_sessions": lambda keep_going: sessions.prune(before=old_sessions, keep_going=keep_going),
        "member_devices": lambda keep_going: referral_join.prune_devices(
            before=now - referral_join.KEEP_DEVICES, keep_going=keep_going
        ),
        "staff_sessions": lambda keep_going: sign_in.prune(before=old_sessions, keep_going=keep_going),
        "automation_runs": lambda keep_going: automation_runs.prune(
            before=now - _KEEP_RUNS, keep_going=keep_going
        ),
        "jobs": lambda keep_going: jobs.prune(now=now, keep_going=keep_going),
    }
