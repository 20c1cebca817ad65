"""What the worker does, and when. Each piece is safe to run twice, late, and on several machines."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

from app import idempotency
from app.checkout import scan
from app.facts.relay import BATCH as FACTS_BATCH
from app.facts.relay import Consumer, relay
from app.identity import login, sessions
from app.jobs import engine as jobs
from app.jobs.engine import Recurring
from app.messages import deliver
from app.messages.receipt import ReceiptTemplate, plan_receipt, wechat_data
from app.parts import Parts
from app.providers.wechat import SubscribeSender
from app.providers.wechat.client import Lang
from app.providers.wechat.errors import Misconfigured, RecipientInvalid
from app.staff import sign_in

_WECHAT_PROVIDER = "wechat_mini"
#: Longer than the longest a till is away: a retried request must find its answer (reliability, A1).
_KEEP_KEYS = timedelta(days=8)
_KEEP_SCANS = timedelta(days=1)
_KEEP_SESSIONS = timedelta(days=30)
_MOST_ROUNDS = 100


def recurring(parts: Parts, clock: Callable[[], datetime]) -> list[Recurring]:
    """The timetable."""
    return [
        Recurring(name="facts.relay", cron="* * * * * */2", run=partial(tell_consumers, parts)),
        Recurring(name="messages.deliver", cron="* * * * * */2", run=lambda _: send_messages(parts, clock)),
        Recurring(name="messages.reclaim", cron="* * * * * */20", run=reclaim),
        Recurring(name="prune", cron="17 * * * *", run=prune),
    ]


def receipt_template(parts: Parts) -> ReceiptTemplate | None:
    """The brand's receipt template; None until WeChat and a template are set up."""
    settings = parts.settings
    if parts.wechat is None or settings.wechat_receipt_template is None:
        return None
    return ReceiptTemplate(
        template_id=settings.wechat_receipt_template,
        fields=settings.wechat_receipt_fields,
        provider=_WECHAT_PROVIDER,
    )


def tell_consumers(parts: Parts, now: datetime) -> int:
    """Hand over the facts that nobody has handled; how many."""
    template = receipt_template(parts)
    consumers: dict[str, Consumer] = {
        "sale_completed": lambda session, fact, at: plan_receipt(session, fact, template, at)
    }
    handled = 0
    for _ in range(_MOST_ROUNDS):
        batch = relay(consumers, now=now)
        handled += batch
        if batch < FACTS_BATCH:
            break
    return handled


def send_messages(parts: Parts, clock: Callable[[], datetime]) -> int:
    """Send what is due; how many messages were taken in hand."""
    taken = 0
    for _ in range(_MOST_ROUNDS):
        batch = deliver.lease(provider=_WECHAT_PROVIDER, now=clock())
        if batch:
            deliver.deliver(batch, wechat=partial(_wechat, parts, clock), now=clock)
        taken += len(batch)
        if len(batch) < deliver.BATCH:
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

        async def send(message: deliver.Leased) -> str | None:
            if message.openid is None or message.template_id is None:
                raise RecipientInvalid
            lang: Lang = "en_US" if message.params["language"] == "en" else "zh_CN"
            data = wechat_data(message.params, settings.wechat_receipt_fields)
            page = "pages/points/index"
            sent = await sender.send(
                message.openid, message.template_id, page, data, lang, settings.wechat_page_state
            )
            return sent.msgid

        yield send


async def _not_set_up(_: deliver.Leased) -> str | None:
    raise Misconfigured


def reclaim(now: datetime) -> int:
    """Settle what a killed worker left behind."""
    return deliver.reclaim(now=now)


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
