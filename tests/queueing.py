"""A till that was without network: what it queued, and how it uploads."""

import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app import clock, policies
from app.audit import OPERATOR
from app.checkout.bill import Bill, Line
from app.checkout.offline import upload
from app.checkout.offline_item import Item, Scan
from app.checkout.offline_kept import Verdict
from app.checkout.offline_policy import OfflinePolicy
from app.points import change
from app.points.rules import Base, Definition, Rule
from app.points.versions import Draft
from app.stores.tills import Till
from tests.shop import Phone, Shop, TillClient

_receipts = itertools.count(1)


def allow(**value: Any) -> None:
    """Turn the policy on, with these fields."""
    policies.change(
        kind=OfflinePolicy,
        value={"enabled": True, **value},
        version=policies.standing(OfflinePolicy).version,
        actor=OPERATOR,
        now=clock.now(),
    )


def old_rule(definition: Definition | None = None, *, days: int = 30, **options: Any) -> Rule:
    """A rule that has held for so long; one point a yuan unless said."""
    then = clock.now() - timedelta(days=days)
    definition = definition or Base(rate_bp=10_000)
    draft = Draft(name_zh="旧规则", name_en="Of old", definition=definition, **options)
    made = change.create(draft=draft, actor=OPERATOR, now=then)
    assert isinstance(made, Rule)
    return made


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


@dataclass
class Queue:
    """One till's queue, with its own numbers. `sold` makes an item and sends nothing."""

    shop: Shop
    client: TillClient
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def sold(
        self,
        phone: Phone | None = None,
        amount_fen: int = 1_000,
        *,
        at: datetime | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """An hour ago, unless said; the member's code of that moment was scanned ten seconds before."""
        at = at or clock.now() - timedelta(hours=1)
        item: dict[str, Any] = {
            "sequence": next(self.numbers),
            "sold_at": stamp(at),
            "receipt_no": f"OFF-{next(_receipts)}",
            "amount_fen": amount_fen,
        }
        if phone is not None:
            scanned_at = at - timedelta(seconds=10)
            item |= {"code": self.shop.code(phone, at=scanned_at), "scanned_at": stamp(scanned_at)}
        return item | more

    def send(self, *items: dict[str, Any]) -> Any:
        return self.client.post("/offline-sales", {"items": list(items)})

    def verdicts(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.send(*items)
        assert answer.status_code == 200, answer.json
        verdicts: list[dict[str, Any]] = answer.json["items"]
        return verdicts

    def reason(self, item: dict[str, Any]) -> str | None:
        """Why it was refused, None if it was recorded."""
        [verdict] = self.verdicts(item)
        assert (verdict["verdict"] == "recorded") == (verdict["reason"] is None)
        reason: str | None = verdict["reason"]
        return reason


def upload_at(shop: Shop, till: Till, item: dict[str, Any], now: datetime) -> Verdict:
    """The same at a time the test chooses."""
    [verdict] = upload(
        till=till, items=[read(item)], issuer=shop.parts.issuer, throttle=shop.parts.throttle, now=now
    ).verdicts
    return verdict


def read(item: dict[str, Any]) -> Item:
    scan = None
    if item.get("code") is not None:
        scan = Scan(code=item["code"], at=datetime.fromisoformat(item["scanned_at"]))
    return Item(
        sequence=item["sequence"],
        hash=hashlib.sha256(repr(sorted(item.items())).encode()).digest(),
        sold_at=datetime.fromisoformat(item["sold_at"]),
        scan=scan,
        bill=Bill(
            receipt_no=item["receipt_no"],
            amount_fen=item["amount_fen"],
            lines=[Line(**line) for line in item.get("lines", [])],
        ),
        staff_no=item.get("staff_no"),
    )
