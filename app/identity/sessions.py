"""The opaque token a phone carries: handed out once, kept only as a hash, revocable at once."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db import ask, statements, transaction
from app.errors import Unauthenticated
from app.idempotency import LookedUp
from app.identity.models import MemberSession
from app.ids import new_secret
from app.pruning import always, forget

#: With the member's id behind it: the space in which their idempotency keys are unique.
SCOPE = "member:"


@dataclass(frozen=True)
class SignedInMember:
    """Who holds the token. `id` is internal; nothing of this goes out."""

    id: int
    public_id: str
    token_hash: bytes


def token_hash(token: str) -> bytes:
    """256 random bits need no slow hash: there is nothing to guess from."""
    return hashlib.sha256(token.encode()).digest()


def open_session(
    session: Session, member_id: int, *, lifetime_days: int, now: datetime
) -> tuple[str, datetime]:
    """A new token for the member and when it ends."""
    token = new_secret()
    expires_at = now + timedelta(days=lifetime_days)
    session.add(
        MemberSession(
            token_hash=token_hash(token), member_id=member_id, created_at=now, expires_at=expires_at
        )
    )
    session.flush()
    return token, expires_at


_WHO = """
    SELECT m.id, m.public_id{more} FROM member_sessions s JOIN members m ON m.id = s.member_id{beside}
    WHERE s.token_hash = %(hash)s AND s.revoked_at IS NULL AND s.expires_at > %(now)s AND m.status = 'active'"""
_ALONE = _WHO.format(more="", beside="")
_WITH_ANSWER = _WHO.format(
    more=", f.answer",
    beside=f" LEFT JOIN idempotency_keys f ON f.scope = '{SCOPE}' || m.id AND f.key = %(key)s",
)


def signed_in(token: str, *, now: datetime) -> SignedInMember:
    """Whose token this is. Raises `Unauthenticated` for an unknown, ended or revoked one and for frozen members."""
    member, _ = _signed_in(_ALONE, token, now, {})
    return member


def signed_in_with_key(token: str, key: str, *, now: datetime) -> tuple[SignedInMember, LookedUp]:
    """The same, and what is kept under that key of theirs, in the one trip. Raises as `signed_in`."""
    at_s = monotonic()
    member, row = _signed_in(_WITH_ANSWER, token, now, {"key": key})
    return member, LookedUp(at_s=at_s, answer=row.answer)


def _signed_in(
    question: str, token: str, now: datetime, more: Mapping[str, object]
) -> tuple[SignedInMember, Any]:
    hashed = token_hash(token)
    with statements() as connection:
        rows = ask(connection, question, {"hash": hashed, "now": now, **more})
    if not rows:
        raise Unauthenticated
    [row] = rows
    return SignedInMember(row.id, row.public_id, hashed), row


def log_out(member: SignedInMember, *, now: datetime) -> None:
    """End the session of this token; the member's other phones stay signed in."""
    with transaction() as session:
        session.execute(
            update(MemberSession).where(MemberSession.token_hash == member.token_hash).values(revoked_at=now)
        )


def end_all(session: Session, member_id: int, *, now: datetime) -> None:
    """End every session of the member, on all phones."""
    session.execute(
        update(MemberSession)
        .where(MemberSession.member_id == member_id, MemberSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def prune(*, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget sessions whose time was over before `before`, ended early or not; how many."""
    return forget("member_sessions", "expires_at", before=before, keep_going=keep_going)
