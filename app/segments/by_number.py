"""Members whom somebody names by number, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.members.models import Member

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
    ids: tuple[int, ...]
    not_found: tuple[str, ...]

    def changed(self, ids: Sequence[int]) -> Changed:
        """Of whom something changed."""
        return Changed(changed=len(ids), unchanged=len(self.ids) - len(ids), not_found=self.not_found)


def named(session: Session, numbers: Sequence[str]) -> Named:
    """The active members among them, each once; who took consent back is not known by number any more."""
    asked = select(Member.member_no, Member.id).where(
        Member.member_no.in_(numbers), Member.status == "active"
    )
    there = {row.member_no: row.id for row in session.execute(asked)}
    return Named(
        ids=tuple(sorted(there.values())),
        not_found=tuple(one for one in dict.fromkeys(numbers) if one not in there),
    )
