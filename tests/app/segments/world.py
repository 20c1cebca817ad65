"""A small world for segments: what there is, as rows, and who a rule means in it, worked out member by member."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

from app import db
from app.segments import totals

#: Ten in the morning in Shanghai.
NOW = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
TODAY = NOW.astimezone(ZONE).date()
STORES, TIERS = ("S001", "S002"), ("normal", "silver", "gold")
#: What goes with what, as if it had been counted.
TOGETHER = (("A", "B"), ("B", "A"), ("A", "C"))
TEMPLATES, LISTS, CAMPAIGNS = ("T1", "T2"), ("L1", "L2"), ("K1", "K2")


def days(number: int) -> timedelta:
    return timedelta(days=number)


def begins(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


@dataclass
class Sale:
    """`goods`: product, category, quantity, given back."""

    day: date
    fen: int
    store: str = "S001"
    back_fen: int = 0
    goods: list[tuple[str, str, int, int]] = field(default_factory=list)


@dataclass
class Coupon:
    template: str
    state: str
    until: datetime
    used_at: datetime | None = None
    undone: bool = False


@dataclass
class Told:
    """By a campaign: `state` of the message."""

    campaign: str
    at: datetime
    state: str = "sent"
    clicked_at: datetime | None = None
    read_at: datetime | None = None


@dataclass
class Person:
    language: str = "zh"
    tier: str = "normal"
    birthday: date | None = None
    opted_out: bool = False
    unpersonalised: bool = False
    phone: bool = False
    home: str | None = None
    status: str = "active"
    joined_at: datetime = NOW - days(10)
    platforms: list[str] = field(default_factory=list)
    points: int | None = None
    principal: int | None = None
    bonus: int | None = None
    lots: list[tuple[int, datetime | None]] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    coupons: list[Coupon] = field(default_factory=list)
    inbox: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    #: Once by each; what they read is in the inbox beside `inbox`.
    told: list[Told] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    #: State and moment of those they brought.
    brought: list[tuple[str, datetime | None]] = field(default_factory=list)
    was_brought: bool = False


_TABLES = (
    *("sold_counts", "sold_together", "sold_products", "marketing_opt_outs"),
    *(
        "member_recounts",
        "member_bought",
        "member_days",
        "member_totals",
        "segment_list_members",
        "member_tags",
    ),
    *("segment_versions", "segments", "referrals", "inbox_items", "campaign_members", "messages"),
    *("coupon_redemptions", "coupons", "coupon_templates", "refunds", "sale_lines", "sales", "ledger_lots"),
    *("ledger_accounts", "member_identities", "members"),
)


class _Rows:
    """Rows by table, whose neighbours nobody looks for."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)

    def add(self, table: str, **values: Any) -> None:
        self._rows.setdefault(table, []).append(values)

    def number(self) -> int:
        """One that nothing else has."""
        return next(self._numbers)

    def write(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table in _TABLES:
                connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(text("DELETE FROM tiers WHERE id > 1"))
            for table, found in self._rows.items():
                names = ", ".join(found[0])
                places = ", ".join(f":{name}" for name in found[0])
                statement = f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({places})"
                connection.execute(text(statement), found)


def lay_in(engine: Engine, people: list[Person]) -> None:
    """Exactly these people, with ids from 1 on, in place of any others. Stores S001 and S002 must be open."""
    with engine.connect() as connection:
        stores = {row.code: row.id for row in connection.execute(text("SELECT code, id FROM stores"))}
    rows = _Rows()
    for number, code in enumerate(TIERS[1:], 2):
        rows.add("tiers", id=number, code=code, name_zh="卡", name_en="Card")
    for template in TEMPLATES:
        rows.add(
            "coupon_templates", id=template, version=1, state="live", face_version=1, per_clerk_a_day=0,
            in_centre=False, created_at=NOW,
        )  # fmt: skip
    for sku, other in TOGETHER:
        rows.add("sold_together", sku=sku, other=other, buyers=9, together=5, score=555_555)
    for name in LISTS:
        rows.add("segments", id=name, kind="list", name=name, version=1, created_at=NOW)
    for number, person in enumerate(people, 1):
        _add_member(rows, number, person, stores)
        _add_value(rows, number, person)
        for sale in person.sales:
            _add_sale(rows, number, sale, stores)
        for coupon in person.coupons:
            _add_coupon(rows, number, coupon)
        _add_belongings(rows, number, person)
    rows.write(engine)
    with db.transaction() as session:
        totals.count(session, range(1, len(people) + 1))


def _add_member(rows: _Rows, number: int, person: Person, stores: dict[str, int]) -> None:
    phone = bytes([number]) if person.phone else None
    rows.add(
        "members", id=number, public_id=f"P{number}", member_no=f"{number:010}", name=f"会员{number}",
        language=person.language, tier_id=1 + TIERS.index(person.tier), birthday=person.birthday,
        marketing_opt_out=person.opted_out, phone_cipher=phone, phone_index=phone,
        home_store_id=None if person.home is None else stores[person.home], status=person.status,
        joined_at=person.joined_at,
    )  # fmt: skip
    if person.unpersonalised:
        rows.add("marketing_opt_outs", member_id=number, channel="personalised")
    for platform in person.platforms:
        rows.add(
            "member_identities", member_id=number, provider=platform, app_id="a", subject=f"{number}{platform}",
            created_at=NOW,
        )  # fmt: skip


def _add_value(rows: _Rows, number: int, person: Person) -> None:
    held = {"points": person.points, "principal_fen": person.principal, "bonus_fen": person.bonus}
    for at, (unit, balance) in enumerate(held.items()):
        if balance is not None:
            rows.add("ledger_accounts", id=10 * number + at, member_id=number, unit=unit, balance=balance)
    for remaining, expires_at in person.lots:
        rows.add(
            "ledger_lots", account_id=10 * number, entry_id=rows.number(), amount=1_000, remaining=remaining,
            available_at=NOW, expires_at=expires_at,
        )  # fmt: skip


def _add_sale(rows: _Rows, number: int, sale: Sale, stores: dict[str, int]) -> None:
    sale_id = f"S{rows.number()}"
    told = {"store_id": stores[sale.store], "terminal_id": 1, "occurred_at": NOW, "business_date": sale.day}
    rows.add(
        "sales",
        id=sale_id,
        member_id=number,
        receipt_no=sale_id,
        amount_fen=sale.fen,
        points_earned=0,
        **told,
    )
    for line_no, (sku, category, quantity, back) in enumerate(sale.goods, 1):
        rows.add(
            "sale_lines", sale_id=sale_id, line_no=line_no, sku=sku, name=f"名{sku}", category=category,
            quantity=quantity, unit_price_fen=0, points_earned=0, refunded_quantity=back,
        )  # fmt: skip
    if sale.back_fen:
        # In two pieces, as somebody might bring things back.
        for piece in (sale.back_fen // 2, sale.back_fen - sale.back_fen // 2):
            refund_id = f"R{rows.number()}"
            rows.add(
                "refunds", id=refund_id, sale_id=sale_id, staff_id=1, refund_no=refund_id, reason="unwanted",
                amount_fen=piece, points=0, points_taken=0, points_owed=0, points_lapsed=0, alone_fen=10**9, **told,
            )  # fmt: skip


def _add_coupon(rows: _Rows, number: int, coupon: Coupon) -> None:
    nth = rows.number()
    coupon_id = f"C{nth}"
    used = int(coupon.state == "used")
    rows.add(
        "coupons", id=coupon_id, template_id=coupon.template, face_id=1, issued_to=number, nth=nth, source="test",
        source_id=coupon_id, issued_at=NOW, issued_on=TODAY, uses=1, valid_from=coupon.until - days(900),
        valid_until=coupon.until, member_id=number, state=coupon.state, used=used,
    )  # fmt: skip
    if coupon.used_at is not None:
        rows.add(
            "coupon_redemptions", id=coupon_id, coupon_id=coupon_id, use_no=1, member_id=number, store_id=1,
            discount_fen=0, occurred_at=coupon.used_at, business_date=TODAY,
            undone_at=NOW if coupon.undone else None,
        )  # fmt: skip


def _add_belongings(rows: _Rows, number: int, person: Person) -> None:
    for created_at, read_at in person.inbox:
        item = f"I{rows.number()}"
        rows.add(
            "inbox_items", id=item, message_id=item, member_id=number, kind="receipt", params="{}",
            created_at=created_at, read_at=read_at,
        )  # fmt: skip
    for told in person.told:
        _add_told(rows, number, told)
    for tag in person.tags:
        rows.add("member_tags", tag=tag, member_id=number, given_at=NOW)
    for name in person.lists:
        rows.add("segment_list_members", segment_id=name, member_id=number, added_at=NOW)
    for state, at in person.brought:
        _add_referral(rows, number, 1_000 + rows.number(), state, at)
    if person.was_brought:
        _add_referral(rows, 1_000 + rows.number(), number, "pending", None)


def _add_told(rows: _Rows, number: int, told: Told) -> None:
    message = f"M{rows.number()}"
    rows.add(
        "messages", id=message, member_id=number, kind="campaign", category="marketing", channel="inbox",
        dedupe_key=message, params="{}", state=told.state, due_at=told.at, created_at=told.at,
    )  # fmt: skip
    rows.add(
        "campaign_members", campaign_id=told.campaign, member_id=number, arm="told", state="planned",
        message_id=message, due_after=told.at, told_at=told.at, clicked_at=told.clicked_at,
    )  # fmt: skip
    if told.read_at is not None:
        rows.add(
            "inbox_items", id=message, message_id=message, member_id=number, kind="campaign", params="{}",
            created_at=told.at, read_at=told.read_at,
        )  # fmt: skip


def _add_referral(rows: _Rows, inviter: int, newcomer: int, state: str, at: datetime | None) -> None:
    rewarded = state == "rewarded"
    rows.add(
        "referrals", id=f"F{rows.number()}", activity_id="A", inviter_id=inviter, newcomer_id=newcomer,
        joined_at=NOW - days(500), buy_until=NOW, state=state, sale_id="S" if rewarded else None,
        at_least_fen=1 if rewarded else None, rewarded_at=at if rewarded else None,
        counted_on=TODAY if rewarded else None, nth=rows.number() if rewarded else None,
        most=10**6 if rewarded else None, nth_of_day=rows.number() if rewarded else None,
        most_a_day=10**6 if rewarded else None,
    )  # fmt: skip
