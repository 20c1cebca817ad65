"""Products that members bought lately, which of them go together, and when that was counted."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class SoldProduct(Base):
    """A product that members bought within the window and kept: `buyers` of them, the last on `last_on`.
    `place` 1 has the most.

    Name and category are those on most of the newest receipts. What nobody wants recommended stands here too: which
    these are says the policy, and it holds at once.
    """

    __tablename__ = "sold_products"
    __table_args__ = (
        CheckConstraint("buyers > 0", "buyers_positive"),
        UniqueConstraint("place"),
    )

    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(40))
    buyers: Mapped[int]
    last_on: Mapped[date]
    place: Mapped[int]


class SoldTogether(Base):
    """Of `buyers` members who were counted and bought `sku`, `together` bought `other` as well.

    `score` is the cosine in millionths. Of each product the best are kept, and only such `other` as may be recommended.
    """

    __tablename__ = "sold_together"
    __table_args__ = (
        CheckConstraint("sku <> other", "two_products"),
        CheckConstraint("together > 0 AND together <= buyers", "together_within"),
        CheckConstraint("score BETWEEN 1 AND 1000000", "score_within"),
        Index("ix_sold_together_other", "other", "sku"),
    )

    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    other: Mapped[str] = mapped_column(String(64), primary_key=True)
    buyers: Mapped[int]
    together: Mapped[int]
    score: Mapped[int]


class SoldCount(Base):
    """A day of the chain for which it was counted: `members` whose purchases were put together. The newest stands."""

    __tablename__ = "sold_counts"

    day: Mapped[date] = mapped_column(primary_key=True)
    counted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    members: Mapped[int]
    products: Mapped[int]
    pairs: Mapped[int]
