"""Coupons, as stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class CouponTemplate(Base):
    """What coupons are made after: which face they get, and who may have how many of them.

        draft → in_review (a second person looks) → live ⇄ stopped

    `per_member` counts what was issued to a member, `per_member_a_day` the same of one day by the chain's calendar,
    `per_clerk_a_day` what one clerk may give away. `in_centre`: members find it themselves; whoever knows `claim_key`
    may claim it as well. Both within `[claim_from, claim_until)`.
    """

    __tablename__ = "coupon_templates"
    __table_args__ = (
        UniqueConstraint("claim_key"),
        CheckConstraint("state IN ('draft', 'in_review', 'live', 'stopped')", "state"),
        CheckConstraint("least(version, face_version) > 0", "version_positive"),
        CheckConstraint("least(per_member, per_member_a_day) > 0", "limits_positive"),
        CheckConstraint("per_clerk_a_day >= 0", "per_clerk_not_negative"),
        CheckConstraint("claim_until > claim_from", "claim_ends_after_it_begins"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(9))
    face_version: Mapped[int]
    per_member: Mapped[int | None]
    per_member_a_day: Mapped[int | None]
    per_clerk_a_day: Mapped[int]
    in_centre: Mapped[bool]
    claim_key: Mapped[str | None] = mapped_column(String(43))
    claim_from: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claim_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class CouponFace(Base):
    """A version of what a template promises (app/coupons/face.py); append-only, so coupons can point at it."""

    __tablename__ = "coupon_faces"
    __table_args__ = (UniqueConstraint("template_id", "version"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(26), ForeignKey("coupon_templates.id"))
    version: Mapped[int]
    face: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class CouponStock(Base):
    """How many coupons there are of a template, and how many are out; none: as many as are wanted.

    Apart from the template, so that a crowd that claims touches nothing but this row.
    """

    __tablename__ = "coupon_stock"
    __table_args__ = (CheckConstraint("issued BETWEEN 0 AND stock", "never_over"),)

    template_id: Mapped[str] = mapped_column(String(26), ForeignKey("coupon_templates.id"), primary_key=True)
    stock: Mapped[int] = mapped_column(BigInteger)
    issued: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Coupon(Base):
    """One coupon of a member. It is the `nth` of its template that was issued to `issued_to`.

    So of two that are issued to one member at once one fails, and limits may be counted before. `source` with
    `source_id` and `source_line` says what it was given for: not twice. What is left are
    `uses + restored - used` uses, within `[valid_from, valid_until)`; past it the state stays `held`. Whoever has
    the secret of `offer_hash` may take it over until `offer_until`.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        UniqueConstraint("coupon_no"),
        UniqueConstraint("template_id", "issued_to", "nth"),
        UniqueConstraint("source", "source_id", "source_line", "template_id", "issued_to"),
        UniqueConstraint("offer_hash"),
        CheckConstraint("state IN ('held', 'used', 'void')", "state"),
        CheckConstraint("nth > 0", "nth_positive"),
        CheckConstraint("uses > 0", "uses_positive"),
        CheckConstraint("restored BETWEEN 0 AND used AND used BETWEEN 0 AND uses + restored", "used_within"),
        CheckConstraint("state = 'void' OR (state = 'used') = (used = uses + restored)", "used_up"),
        CheckConstraint("valid_until > valid_from", "ends_after_it_begins"),
        CheckConstraint("(offer_hash IS NULL) = (offer_until IS NULL)", "offer_ends"),
        Index("ix_coupons_member_id_id", "member_id", "id"),
        Index("ix_coupons_source_id", "source_id", "source"),
        Index("ix_coupons_held", "member_id", "valid_until", postgresql_where=text("state = 'held'")),
        Index(
            "ix_coupons_granted_by_issued_on",
            "granted_by",
            "issued_on",
            postgresql_where=text("granted_by IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    coupon_no: Mapped[int] = mapped_column(BigInteger, Identity())
    template_id: Mapped[str] = mapped_column(String(26), ForeignKey("coupon_templates.id"))
    face_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_faces.id"))
    issued_to: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    nth: Mapped[int]
    source: Mapped[str] = mapped_column(String(16))
    source_id: Mapped[str] = mapped_column(String(64))
    source_line: Mapped[int] = mapped_column(server_default="0")
    granted_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    issued_on: Mapped[date]
    uses: Mapped[int]
    valid_from: Mapped[datetime] = mapped_column(UTCDateTime)
    valid_until: Mapped[datetime] = mapped_column(UTCDateTime)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    state: Mapped[str] = mapped_column(String(4), server_default="held")
    used: Mapped[int] = mapped_column(server_default="0")
    restored: Mapped[int] = mapped_column(server_default="0")
    offer_hash: Mapped[str | None] = mapped_column(String(64))
    offer_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class CouponRedemption(Base):
    """One use of a coupon, with a sale or by itself. `undone_at`: it came back, by `refund_id` or by hand.

    Without a terminal it was used for seats of an event (app/engagement/events).
    """

    __tablename__ = "coupon_redemptions"
    __table_args__ = (
        UniqueConstraint("coupon_id", "use_no"),
        UniqueConstraint("sale_id", "coupon_id"),
        CheckConstraint("use_no > 0", "use_no_positive"),
        CheckConstraint("discount_fen >= 0", "discount_not_negative"),
        CheckConstraint("sale_id IS NOT NULL OR discount_fen = 0", "discount_has_sale"),
        CheckConstraint("refund_id IS NULL OR undone_at IS NOT NULL", "refund_undoes"),
        CheckConstraint("sale_id IS NULL OR terminal_id IS NOT NULL", "sale_has_till"),
        Index("ix_coupon_redemptions_sale_id", "sale_id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    coupon_id: Mapped[str] = mapped_column(String(26), ForeignKey("coupons.id"))
    use_no: Mapped[int]
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    sale_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("sales.id"))
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    discount_fen: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime)
    business_date: Mapped[date]
    undone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    refund_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("refunds.id"))


class CouponCodeUse(Base):
    """A coupon's own code that has been taken at a till. The primary key is the referee of "only once"."""

    __tablename__ = "coupon_code_uses"
    __table_args__ = (Index("ix_coupon_code_uses_used_at", "used_at"),)

    coupon_no: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupons.coupon_no"), primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    used_at: Mapped[datetime] = mapped_column(UTCDateTime)


class CouponEvent(Base):
    """What happened to a coupon; append-only."""

    __tablename__ = "coupon_events"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('issued', 'redeemed', 'restored', 'extended', 'offered', 'transferred', 'recalled')",
            "kind",
        ),
        CheckConstraint("kind <> 'recalled' OR note IS NOT NULL", "recall_has_note"),
        Index("ix_coupon_events_coupon_id", "coupon_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    coupon_id: Mapped[str] = mapped_column(String(26), ForeignKey("coupons.id"))
    kind: Mapped[str] = mapped_column(String(11))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    redemption_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("coupon_redemptions.id"))
    note: Mapped[str | None] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
