"""A member's e-mail address: sealed like the phone number, used once they have typed the code that was sent there."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, SmallInteger, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit
from app.db import Base, UTCDateTime, transaction
from app.errors import Invalid, NotFound
from app.members.models import Member
from app.members.phones import PhoneVault

CODE_LIFETIME = timedelta(minutes=30)
_MOST_TRIES = 5
_LONGEST = 254
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


class EmailMalformed(Invalid):
    code = "email_malformed"


class EmailCodeWrong(Invalid):
    """Not the code of the last letter, too old, or guessed too often: ask for another."""

    code = "email_code_wrong"


class MemberEmail(Base):
    """`confirmed_at` NULL: nobody has shown yet that the address is theirs; only the code is sent there."""

    __tablename__ = "member_emails"
    __table_args__ = (CheckConstraint("tries >= 0", "tries"),)

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    cipher: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    code_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")


@dataclass(frozen=True, kw_only=True)
class Email:
    """`address` is masked."""

    address: str
    confirmed: bool


def of_member(*, member_id: int, vault: PhoneVault) -> Email:
    """Raises `NotFound` when there is none."""
    with transaction() as session:
        return _email(_row(session, member_id), session.get_one(Member, member_id), vault)


def set_address(session: Session, member: Member, address: str, *, vault: PhoneVault, now: datetime) -> str:
    """Keep an address that waits for its code, in place of any other; the code, six digits. Raises `EmailMalformed`."""
    code = f"{secrets.randbelow(1_000_000):06}"
    values = {
        "cipher": vault.seal_email(checked(address), member.public_id),
        "confirmed_at": None,
        "code_hash": _hash(vault, member, code),
        "code_until": now + CODE_LIFETIME,
        "tries": 0,
    }
    fresh = insert(MemberEmail).values(member_id=member.id, **values)
    session.execute(fresh.on_conflict_do_update(index_elements=["member_id"], set_=values))
    me = audit.Actor(type="member", id=member.id)
    audit.record(session, me, "member.set_email", "member", member.id, now=now)
    return code


def confirm(*, member_id: int, code: str, vault: PhoneVault, now: datetime) -> Email:
    """The member has read the letter. Raises `EmailCodeWrong`, and `NotFound` when there is no address."""
    with transaction() as session:
        row, member = _row(session, member_id), session.get_one(Member, member_id)
        right = _right(row, member, code, vault, now)
        if right:
            row.confirmed_at, row.code_hash, row.code_until = now, None, None
            me = audit.Actor(type="member", id=member_id)
            audit.record(session, me, "member.confirm_email", "member", member_id, now=now)
        else:
            row.tries += 1  # kept: the transaction ends well
        email = _email(row, member, vault)
    if not right:
        raise EmailCodeWrong
    return email


def remove(*, member_id: int, now: datetime) -> None:
    """Forget the address; twice is once."""
    with transaction() as session:
        gone = session.execute(
            delete(MemberEmail).where(MemberEmail.member_id == member_id).returning(MemberEmail.member_id)
        ).one_or_none()
        if gone is not None:
            me = audit.Actor(type="member", id=member_id)
            audit.record(session, me, "member.remove_email", "member", member_id, now=now)


def checked(address: str) -> str:
    """With the domain in small letters. Raises `EmailMalformed`; addresses beyond ASCII are not taken."""
    if len(address) > _LONGEST or not _ADDRESS.fullmatch(address) or len(address.partition("@")[0]) > 64:
        raise EmailMalformed
    local, _, domain = address.partition("@")
    return f"{local}@{domain.lower()}"


def masked(address: str) -> str:
    """What may be shown: c***@example.com."""
    return f"{address[0]}***@{address.partition('@')[2]}"


def _right(row: MemberEmail, member: Member, code: str, vault: PhoneVault, now: datetime) -> bool:
    if row.code_hash is None or row.code_until is None or now >= row.code_until or row.tries >= _MOST_TRIES:
        return False
    return hmac.compare_digest(row.code_hash, _hash(vault, member, code))


def _row(session: Session, member_id: int) -> MemberEmail:
    found = select(MemberEmail).where(MemberEmail.member_id == member_id).with_for_update()
    row = session.execute(found).scalar_one_or_none()
    if row is None:
        raise NotFound
    return row


def _email(row: MemberEmail, member: Member, vault: PhoneVault) -> Email:
    address = vault.open_email(row.cipher, member.public_id)
    return Email(address=masked(address), confirmed=row.confirmed_at is not None)


def _hash(vault: PhoneVault, member: Member, code: str) -> bytes:
    return vault.blind(hashlib.sha256(f"email|{member.public_id}|{code}".encode()).digest())
