"""Who is named in a grant: by number or by phone, each with what is left of theirs, or with what stands against it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.coupons.face import Face
from app.coupons.issue import window
from app.coupons.remainder import Remainder, fitted
from app.errors import Conflict, DomainError, NotFound
from app.members.models import Member
from app.members.phones import PhoneMalformed, PhoneVault, dialled


class CouponMemberTwice(Conflict):
    """The member stands further up in the list."""

    code = "coupon_member_twice"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A member by `member_no`, or else by `phone` as people type it, and what is left (None: as the template gives)."""

    member_no: str | None = None
    phone: str | None = field(default=None, repr=False)
    uses_left: int | None = None
    valid_through: date | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """`member_id` is None if and only if there is a `refusal`; `member_no` is None for who was named by phone number:
    whose number it is the list does not tell."""

    member_no: str | None
    member_id: int | None
    uses: int | None
    valid_through: date | None
    refusal: str | None


def by_number(numbers: Iterable[str]) -> tuple[Row, ...]:
    """Whole coupons for each of them; one that is named twice is named once."""
    return tuple(Row(member_no=one) for one in dict.fromkeys(numbers))


def found(session: Session, rows: Sequence[Row], face: Face, vault: PhoneVault, now: datetime) -> list[Found]:
    """Each of them as they stand in the list. Numbers are kept nowhere: what is kept is whose they are."""
    members = _Members(session, rows, vault)
    seen: set[int] = set()
    return [_found(row, members, seen, face, now) for row in rows]


def _found(row: Row, members: "_Members", seen: set[int], face: Face, now: datetime) -> Found:
    member_id, refusal = None, None
    try:
        if row.phone is not None:
            # Before anybody is looked up: else what is wrong with the row would tell whether they are a member.
            _check(row, face, now)
        member_id = members.of(row)
        if member_id in seen:
            raise CouponMemberTwice
        seen.add(member_id)
        _check(row, face, now)
    except DomainError as error:
        member_id, refusal = None, error.code
    return Found(
        member_no=row.member_no,
        member_id=member_id,
        uses=row.uses_left,
        valid_through=row.valid_through,
        refusal=refusal,
    )


def _check(row: Row, face: Face, now: datetime) -> None:
    left = Remainder(uses=row.uses_left, valid_through=row.valid_through)
    fitted(left, uses=face.uses, window=window(face, now), now=now)


class _Members:
    """Looks all of them up at once. By phone only active ones are found: of any other a number tells nothing."""

    def __init__(self, session: Session, rows: Sequence[Row], vault: PhoneVault) -> None:
        self._indexes: dict[str, bytes] = {}
        for row in rows:
            if row.phone is not None:
                try:
                    self._indexes[row.phone] = vault.index(dialled(row.phone))
                except PhoneMalformed:
                    continue
        columns = select(Member.member_no, Member.id, Member.phone_index)
        named = columns.where(Member.member_no.in_([row.member_no for row in rows if row.member_no]))
        self._by_number: dict[str, Any] = {one.member_no: one for one in session.execute(named)}
        phoned = columns.where(Member.phone_index.in_(self._indexes.values()), Member.status == "active")
        self._by_phone: dict[bytes, Any] = (
            {one.phone_index: one for one in session.execute(phoned)} if self._indexes else {}
        )

    def of(self, row: Row) -> int:
        """The member's id. Raises `NotFound`, `PhoneMalformed`."""
        if row.phone is None:
            member = self._by_number.get(row.member_no or "")
        elif row.phone in self._indexes:
            member = self._by_phone.get(self._indexes[row.phone])
        else:
            raise PhoneMalformed
        if member is None:
            raise NotFound
        return int(member.id)
