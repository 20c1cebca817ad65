"""What happens to members sets automations going: whom, how often, and what is done."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.automations import review
from app.messages.inbox import inbox
from app.messages.send import fill_inboxes
from tests.automations import do, facts, turned_on
from tests.conftest import rows
from tests.shop import Phone, Shop

RUNS = "SELECT member_id, state, refused FROM automation_runs ORDER BY id"


def now() -> datetime:
    return clock.now()


def later(**length: Any) -> datetime:
    return clock.now() + timedelta(**length)


def acted(engine: Engine) -> list[Any]:
    return [member for member, state, _ in rows(engine, RUNS) if state == "acted"]


def test_who_joins_is_told_once(shop: Shop, engine: Engine) -> None:
    before = shop.member()
    facts(shop, now())
    turned_on(shop, "joined", now())
    new = shop.member("王小明")
    facts(shop, now())
    assert do(now()) == 1
    assert do(now()) == 0
    assert acted(engine) == [new.member_id]
    fill_inboxes(clock=now)
    told = {one.kind: one.body for one in inbox(member_id=new.member_id, language="zh", limit=5, before=None)}
    assert told["automation"] == "王小明，本周全场八折。"
    kinds = [one.kind for one in inbox(member_id=before.member_id, language="zh", limit=5, before=None)]
    assert "automation" not in kinds
