"""Automations for members of the test shop, through the product's own doors."""

from datetime import datetime
from typing import Any

from app import work
from app.audit import OPERATOR
from app.automations import draft, review
from app.automations.act import act
from app.automations.automation import AutomationView
from app.automations.note import scan
from app.checkout.decide import decide
from app.staff.roles import Grant
from tests.campaigns import APP_ID, INBOX
from tests.shop import Shop

TELL: dict[str, Any] = {"message": {"channel": "inbox", "content": {"inbox": INBOX}}}


def drafted(kind: str, now: datetime, **changed: Any) -> AutomationView:
    """For each occasion, at once, by the inbox; `trigger` is what the kind needs beside its name."""
    what = {
        "name": "关怀",
        "trigger": {"kind": kind, **changed.pop("trigger", {})},
        "segment_id": None,
        "actions": TELL,
        "once": "occasion",
        "once_days": None,
        "delay_minutes": 0,
        "max_runs": None,
        "attribution_days": 7,
        **changed,
    }
    return draft.create(draft=draft.Draft(**what), actor=OPERATOR, now=now)


def approved(shop: Shop, made: AutomationView, now: datetime) -> int:
    """One marketer asks, an admin agrees; its number."""
    asks = shop.person(f"asks-{made.no}-{made.version}", Grant("marketer", None))
    agrees = shop.person(f"agrees-{made.no}-{made.version}", Grant("admin", None))
    waiting = review.submit(no=made.no, version=made.version, staff_id=asks.id, now=now)
    assert waiting.approval_id is not None
    decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=agrees.id, now=now)
    return made.no


def turned_on(shop: Shop, kind: str, now: datetime, **changed: Any) -> int:
    return approved(shop, drafted(kind, now, **changed), now)


def facts(shop: Shop, now: datetime) -> None:
    """Hand over what happened."""
    work.tell_consumers(work.fact_relay(shop.parts), now)


def do(now: datetime) -> int:
    """What the worker's beats do: look at the calendar, and do what is due."""
    scan(now=now)
    return act(app_id=APP_ID, now=now)
