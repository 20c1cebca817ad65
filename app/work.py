"""What the worker does, and when. Each piece is safe to run twice, late, and on several machines."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

from app import idempotency
from app.checkout import scan
from app.facts.relay import BATCH as FACTS_BATCH
from app.facts.relay import Relay
from app.identity import login, sessions
from app.jobs import engine as jobs
from app.jobs.beats import Beat
from app.jobs.engine import Recurring
from app.ledger.expire import expire
from app.messages import deliver, lease, outcome
from app.messages.receipt import ReceiptTemplate, plan_receipt, wechat_data
from app.parts import Parts
from app.providers.wechat import FieldInvalid, SubscribeSender
from app.providers.wechat.client import Lang
from app.providers.wechat.errors import ContentInvalid, Misconfigured, RecipientInvalid
from app.staff import sign_in

_WECHAT_PROVIDER = "wechat_mini"
#: Longer than the longest a till is away: a retried request must find its answer (reliability, A1).
_KEEP_KEYS = timedelta(days=8)
_KEEP_SCANS = timedelta(days=1)
_KEEP_SESSIONS = timedelta(days=30)


def _always() -> bool:
    return True


def beats(parts: Parts, clock: Callable[[], datetime], keep_going: Callable[[], bool]) -> list[Beat]:
    """What each worker does every second or so; stops early once `keep_going` says so."""
    relay = fact_relay(parts)
    return [
        Beat(name="facts.relay", every_s=1, run=lambda now: tell_consumers(relay, now, keep_going)),
        Beat(name="messages.deliver", every_s=1, run=lambda _: send_messages(parts, clock, keep_going)),
        Beat(name="messages.reclaim", every_s=20, run=reclaim),
    ]


def recurring() -> list[Recurring]:
    """The timetable: what one worker of many does."""
    return [
        # Every hour, because midnight comes to each time zone at its own.
        Recurring(name="ledger.expire", cron="2 * * * *", run=lambda now: expire(now=now)),
        Recurring(name="prune", cron="17 * * * *", run=prune),
    ]


def receipt_template(parts: Parts) -> ReceiptTemplate | None:
    """The brand's receipt template; None until WeChat and a template are set up."""
    settings = parts.settings
    if parts.wechat is None or settings.wechat_receipt_template is None or settings.wechat_app_id is None:
        return None
    return ReceiptTemplate(
        template_id=settings.wechat_receipt_template,
        fields=settings.wechat_receipt_fields,
        provider=_WECHAT_PROVIDER,
        app_id=settings.wechat_app_id,
    )


def fact_relay(parts: Parts) -> Relay:
    """Who reacts to which fact."""
    template = receipt_template(parts)
    return Relay({"sale_completed": lambda session, fact, at: plan_receipt(session, fact, template, at)})


def tell_consumers(relay: Relay, now: datetime, keep_going: Callable[[], bool] = _always) -> int:
    """Hand over the facts that nobody has handled; how many were looked at."""
    total = batch = relay.run(now=now)
    while batch == FACTS_BATCH and keep_going():
        total += (batch := relay.run(now=now))
    return total


def send_messages(
    parts: Parts, clock: Callable[[], datetime], keep_going: Callable[[], bool] = _always
) -> int:
    """Send what is due; how many messages were taken in hand."""
    taken = 0
    while keep_going():
        app_id = parts.settings.wechat_app_id or ""
        batch = lease.lease(provider=_WECHAT_PROVIDER, app_id=app_id, now=clock())
        if batch:
            deliver.deliver(batch, wechat=partial(_wechat, parts, clock), now=clock, keep_going=keep_going)
        taken += len(batch)
        if len(batch) < lease.BATCH:
            break
    return taken


@asynccontextmanager
async def _wechat(parts: Parts, clock: Callable[[], datetime]) -> AsyncIterator[deliver.Send]:
    """WeChat for one batch; without it set up every message waits for an operator."""
    if parts.wechat is None:
        yield _not_set_up
        return
    settings = parts.settings
    async with SubscribeSender(parts.wechat.tokens, clock=clock, base_url=settings.wechat_api_base) as sender:

        async def send(message: lease.Leased) -> str | None:
            if message.openid is None or message.template_id is None:
                raise RecipientInvalid
            lang: Lang = "en_US" if message.params["language"] == "en" else "zh_CN"
            try:
                data = wechat_data(message.params, settings.wechat_receipt_fields)
            except FieldInvalid as fault:
                raise ContentInvalid(field=str(fault.data["field"])) from None
            page = "pages/points/index"
            sent = await sender.send(
                message.openid, message.template_id, page, data, lang, settings.wechat_page_state
            )
            return sent.msgid

        yield send


async def _not_set_up(_: lease.Leased) -> str | None:
    raise Misconfigured


def reclaim(now: datetime) -> int:
    """Settle what a killed worker left behind."""
    return outcome.reclaim(now=now)


def prune(now: datetime) -> dict[str, int]:
    """Forget what has served its time; how many rows of each kind."""
    return {
        "idempotency_keys": idempotency.prune(before=now - _KEEP_KEYS),
        "scans": scan.prune(before=now - _KEEP_SCANS),
        "login_codes": login.prune(before=now - _KEEP_SCANS),
        "member_sessions": sessions.prune(before=now - _KEEP_SESSIONS),
        "staff_sessions": sign_in.prune(before=now - _KEEP_SESSIONS),
        "jobs": jobs.prune(now=now),
    }
