"""Scans and sales, as stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class ScanTicket(Base):
    """Proof that a clerk scanned a member's live code. Bound to member, terminal and clerk; good for one sale.

    `found_by` a `phone` number it proves less, and earns only (app/checkout/find_by_phone.py); by a `coupon`'s own code
    it earns and stands for that coupon (app/checkout/scan_coupon.py).
    """

    __tablename__ = "scan_tickets"
    __table_args__ = (
        Index("ix_scan_tickets_expires_at", "expires_at"),
        CheckConstraint("found_by IN ('code', 'coupon', 'phone')", "found_by"),
        CheckConstraint("found_by <> 'phone' OR staff_id IS NOT NULL", "by_phone_has_clerk"),
        CheckConstraint("(found_by = 'coupon') = (coupon_id IS NOT NULL)", "by_coupon_has_coupon"),
    )

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    found_by: Mapped[str] = mapped_column(String(8), server_default="code")
    coupon_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("coupons.id"))


class CodeUse(Base):
    """A member code that has been taken at a till. The primary key is the referee of "only once"."""

    __tablename__ = "code_uses"
    __table_args__ = (Index("ix_code_uses_used_at", "used_at"),)

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    used_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Quote(Base):
    """What a bill comes to, as it was shown: good for some minutes, for one sale. `priced` is `app.checkout.quoted`.

    `confirmation` is whether the member agrees on the phone to so much of their own value being spent: `own_fen`,
    stored value and what points pay.
    """

    __tablename__ = "quotes"
    __table_args__ = (
        Index("ix_quotes_expires_at", "expires_at"),
        Index("ix_quotes_to_confirm", "member_id", postgresql_where=text("confirmation = 'pending'")),
        Index(
            "ix_quotes_alone",
            "member_id",
            "created_at",
            postgresql_where=text("confirmation = 'none' AND own_fen > 0"),
        ),
        CheckConstraint("confirmation IN ('none', 'pending', 'confirmed', 'declined')", "confirmation"),
        CheckConstraint("(confirmation IN ('confirmed', 'declined')) = (decided_at IS NOT NULL)", "decided"),
        CheckConstraint("used_at IS NULL OR confirmation IN ('none', 'confirmed')", "used_once_confirmed"),
        CheckConstraint("(member_id IS NULL) = (ticket_id IS NULL)", "member_has_ticket"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    ticket_id: Mapped[str | None] = mapped_column(String(43))
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    stored_value_fen: Mapped[int] = mapped_column(BigInteger)
    own_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    priced: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmation: Mapped[str] = mapped_column(String(9))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Sale(Base):
    """`amount_fen` is what the goods were sold for, `discount_fen` less than their prices come to.

    `rule_id` is the leading base rule's version, `earned` what which rule gave (app/points/explain.py), `discounts`
    what which benefit took off. `tier_code` is the member's tier at that moment. Of a quote, `priced_at` is its moment.
    """

    __tablename__ = "sales"
    __table_args__ = (
        UniqueConstraint("store_id", "receipt_no"),
        UniqueConstraint("ticket_id"),
        UniqueConstraint("quote_id"),
        Index("ix_sales_member_id", "member_id", "id"),
        CheckConstraint("discount_fen >= 0", "discount_not_negative"),
        CheckConstraint("(quote_id IS NULL) = (priced_at IS NULL)", "quote_has_moment"),
        Index("ix_sales_terminal_id", "terminal_id", "id"),
        CheckConstraint("amount_fen >= 0", "amount_not_negative"),
        CheckConstraint("points_earned >= 0", "points_not_negative"),
        CheckConstraint("ticket_id IS NULL OR member_id IS NOT NULL", "ticket_has_member"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    ticket_id: Mapped[str | None] = mapped_column(String(43))
    receipt_no: Mapped[str] = mapped_column(String(40))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    points_earned: Mapped[int] = mapped_column(BigInteger)
    rule_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("earn_rules.id"))
    tier_code: Mapped[str | None] = mapped_column(String(24))
    earned: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime)
    business_date: Mapped[date]
    quote_id: Mapped[str | None] = mapped_column(String(26))
    priced_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    discount_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    discounts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")


class SaleLine(Base):
    """Its price is `quantity * unit_price_fen - discount_fen`; `excluded_fen` of that earn nothing.

    `uncredited_fen` had gone back before the sale got its member afterwards (sale_credits), and earned nothing.
    """

    __tablename__ = "sale_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", "quantity_positive"),
        CheckConstraint("unit_price_fen >= 0", "price_not_negative"),
        CheckConstraint("points_earned >= 0", "points_not_negative"),
        CheckConstraint(
            "refunded_quantity BETWEEN 0 AND quantity"
            " AND refunded_fen BETWEEN 0 AND quantity * unit_price_fen - discount_fen",
            "refunded_within",
        ),
        CheckConstraint("discount_fen BETWEEN 0 AND quantity * unit_price_fen", "discount_within"),
        CheckConstraint(
            "excluded_fen BETWEEN 0 AND quantity * unit_price_fen - discount_fen", "excluded_within"
        ),
        CheckConstraint("uncredited_fen BETWEEN 0 AND refunded_fen", "uncredited_within"),
    )

    sale_id: Mapped[str] = mapped_column(String(26), ForeignKey("sales.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(40), server_default="")
    quantity: Mapped[int]
    unit_price_fen: Mapped[int] = mapped_column(BigInteger)
    points_earned: Mapped[int] = mapped_column(BigInteger)
    refunded_quantity: Mapped[int] = mapped_column(server_default="0")
    refunded_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    discount_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    excluded_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    uncredited_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")


class SaleTender(Base):
    """With what a sale was paid, all of one kind together; a sale without any was paid in a way that nobody told.

    `points` is how many of them the amount took.
    """

    __tablename__ = "sale_tenders"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('cash', 'card', 'wechat_pay', 'alipay', 'other', 'points', 'principal', 'bonus')",
            "kind",
        ),
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint("points >= 0 AND (kind = 'points') = (points > 0)", "points"),
        CheckConstraint(
            "refunded_fen BETWEEN 0 AND amount_fen AND refunded_points BETWEEN 0 AND points",
            "refunded_within",
        ),
    )

    sale_id: Mapped[str] = mapped_column(String(26), ForeignKey("sales.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refunded_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refunded_points: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Refund(Base):
    """Money given back for a sale, append-only. Of `points`, what the goods had earned, some was taken from the
    account, some is owed, some had ended unspent. `alone_fen` is the limit that held: above it there is an approval.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("store_id", "refund_no"),
        UniqueConstraint("approval_id"),
        Index("ix_refunds_sale_id", "sale_id"),
        Index("ix_refunds_terminal_id_occurred_at", "terminal_id", "occurred_at"),
        CheckConstraint("amount_fen >= 0", "amount_not_negative"),
        CheckConstraint("points = points_taken + points_owed + points_lapsed", "points_whole"),
        CheckConstraint("least(points_taken, points_owed, points_lapsed) >= 0", "points_not_negative"),
        CheckConstraint("amount_fen <= alone_fen OR approval_id IS NOT NULL", "second_person"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    sale_id: Mapped[str] = mapped_column(String(26), ForeignKey("sales.id"))
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    refund_no: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(16))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    points_taken: Mapped[int] = mapped_column(BigInteger)
    points_owed: Mapped[int] = mapped_column(BigInteger)
    points_lapsed: Mapped[int] = mapped_column(BigInteger)
    alone_fen: Mapped[int] = mapped_column(BigInteger)
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime)
    business_date: Mapped[date]


class RefundLine(Base):
    """What of a line of the sale went back; append-only."""

    __tablename__ = "refund_lines"
    __table_args__ = (
        ForeignKeyConstraint(["sale_id", "line_no"], ["sale_lines.sale_id", "sale_lines.line_no"]),
        CheckConstraint("least(quantity, amount_fen, points) >= 0", "not_negative"),
    )

    refund_id: Mapped[str] = mapped_column(String(26), ForeignKey("refunds.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sale_id: Mapped[str] = mapped_column(String(26))
    quantity: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)


class RefundTender(Base):
    """In which way a refund was given back; append-only."""

    __tablename__ = "refund_tenders"
    __table_args__ = (
        ForeignKeyConstraint(["sale_id", "kind"], ["sale_tenders.sale_id", "sale_tenders.kind"]),
        CheckConstraint("least(amount_fen, points) >= 0 AND amount_fen + points > 0", "something"),
    )

    refund_id: Mapped[str] = mapped_column(String(26), ForeignKey("refunds.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    sale_id: Mapped[str] = mapped_column(String(26))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger, server_default="0")
