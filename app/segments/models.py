"""Segments, their lists, tags and snapshots, and what members bought in sum, as stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class Segment(Base):
    """Who is meant: by a rule, whose versions stand apart, or by a list of members.

    active → archived: it stays for what was told by it, and nothing new is.
    """

    __tablename__ = "segments"
    __table_args__ = (
        CheckConstraint("kind IN ('rule', 'list')", "kind"),
        CheckConstraint("state IN ('active', 'archived')", "state"),
        CheckConstraint("version > 0", "version_positive"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    kind: Mapped[str] = mapped_column(String(4))
    name: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(8), server_default="active")
    version: Mapped[int]
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SegmentVersion(Base):
    """Append-only: what the segment was from then on; a list has no `rule`, it is its members."""

    __tablename__ = "segment_versions"

    segment_id: Mapped[str] = mapped_column(String(26), ForeignKey("segments.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(60))
    rule: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    made_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SegmentListMember(Base):
    """Who stands in a list."""

    __tablename__ = "segment_list_members"
    __table_args__ = (Index("ix_segment_list_members_member_id", "member_id"),)

    segment_id: Mapped[str] = mapped_column(String(26), ForeignKey("segments.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    added_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)


class MemberTag(Base):
    """A word that somebody put on a member."""

    __tablename__ = "member_tags"
    __table_args__ = (Index("ix_member_tags_member_id", "member_id"),)

    tag: Mapped[str] = mapped_column(String(24), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    given_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SegmentSnapshot(Base):
    """Append-only: who a version of a segment was at one moment. What is done to a segment is done to a snapshot."""

    __tablename__ = "segment_snapshots"
    __table_args__ = (
        ForeignKeyConstraint(
            ["segment_id", "version"], ["segment_versions.segment_id", "segment_versions.version"]
        ),
        CheckConstraint("members >= 0", "members_not_negative"),
        Index("ix_segment_snapshots_segment_id_id", "segment_id", "id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    segment_id: Mapped[str] = mapped_column(String(26))
    version: Mapped[int]
    members: Mapped[int]
    made_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SnapshotMember(Base):
    """Append-only: one of those.

    Without foreign keys: all of a snapshot are written by the one statement that finds them (app/segments/snapshot.py),
    neither members nor snapshots are ever deleted, and looking up a million of each would take longer than the rest.
    """

    __tablename__ = "snapshot_members"

    snapshot_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class MemberTotal(Base):
    """What a member bought in all: purchases of which something was kept, less refunds; visits are days.

    Counted from the sales (app/segments/totals.py), as the two below: who never bought has no row. All three have no
    foreign key: it would lock the member, whom the relay of facts locks before it notes them for the next count.
    """

    __tablename__ = "member_totals"

    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    purchases: Mapped[int]
    spent_fen: Mapped[int] = mapped_column(BigInteger)
    visits: Mapped[int]
    first_on: Mapped[date]
    last_on: Mapped[date]


class MemberDay(Base):
    """The same of one day, which is that of the store."""

    __tablename__ = "member_days"
    __table_args__ = (
        # The key holds the figures too: by member they are read from it alone, in order (fields/bought.py).
        PrimaryKeyConstraint("member_id", "day", postgresql_include=["purchases", "spent_fen"]),
        Index("ix_member_days_day", "day", "member_id", postgresql_include=["purchases", "spent_fen"]),
    )

    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    purchases: Mapped[int]
    spent_fen: Mapped[int] = mapped_column(BigInteger)


class MemberBought(Base):
    """When a member last bought a product, of a category, or in a store, and kept it."""

    __tablename__ = "member_bought"
    __table_args__ = (
        CheckConstraint("kind IN ('product', 'category', 'store')", "kind"),
        Index("ix_member_bought_word", "kind", "word", "last_on", "member_id"),
    )

    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    word: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_on: Mapped[date]


class MemberRecount(Base):
    """Whose purchases are to be counted anew."""

    __tablename__ = "member_recounts"

    member_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("members.id"), primary_key=True, autoincrement=False
    )
