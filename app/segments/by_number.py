"""Members whom somebody names by number, many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.members.models import Member
from app.segments.models import MemberTag, SegmentListMember

#: In one request: so many numbers go into a body.
MOST_MEMBERS = 4_000


@dataclass(frozen=True, kw_only=True)
class Changed:
    """How many there are now that were not, or the other way round; numbers `not_found` are no active member's."""

    changed: int
    unchanged: int
    not_found: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Named:
    by_number: Mapping[str, int]
    not_found: tuple[str, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """Ascending."""
        return tuple(sorted(self.by_number.values()))

    def changed(self, ids: Sequence[int]) -> Changed:
        """Of whom something changed."""
        return Changed(changed=len(ids), unchanged=len(self.by_number) - len(ids), not_found=self.not_found)


def named(session: Session, numbers: Sequence[str]) -> Named:
    """The active members among them, each once; who took consent back is not known by number any more."""
    asked = select(Member.member_no, Member.id).where(
        Member.member_no.in_(numbers), Member.status == "active"
    )
    there = {row.member_no: row.id for row in session.execute(asked)}
    return Named(
        by_number=there,
        not_found=tuple(one for one in dict.fromkeys(numbers) if one not in there),
    )


def put(
    session: Session, table: type[MemberTag | SegmentListMember], rows: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Write the rows of members who are not there yet; of whom that is so."""
    if not rows:
        return []
    statement = insert(table).values(rows).on_conflict_do_nothing()
    return list(session.scalars(statement.returning(table.member_id)))
