"""From a chat app's login code to a member's token.

A chat app honours a code once, but a phone that lost our answer asks again: so what became of a code is remembered
for minutes, and asking the chat app is left to one request even when two arrive together; the other one comes back
later, since waiting would hold a thread that tills need. The chat app is called with no transaction open.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import Busy, into, transaction
from app.errors import Conflict, DomainError, Forbidden, Invalid
from app.identity import followers
from app.identity.models import LoginCode, MemberIdentity, MemberSession
from app.identity.platforms import LoginCodeUsed, Platform, VerifiedIdentity
from app.identity.sessions import open_session, token_hash
from app.members.consent import agree, agreed_version
from app.members.join import join
from app.members.models import Member
from app.members.phones import PhoneVault
from app.pruning import always, forget

#: How long the outcome of a code is kept: WeChat's own life of a code (reference B1).
CODE_MEMORY = timedelta(minutes=5)
#: A claim older than this was left by a killed process: every call to a chat app is bounded well below it.
CLAIM_STALE = timedelta(seconds=30)
#: Whoever logs in joins now, joined by an earlier try of this login, or was a member before.
Arrival = Literal["joins", "joined", "member"]
#: What else belongs to a login, in its transaction: (session, member id, arrival) → a word for the phone.
Welcome = Callable[[Session, int, Arrival], str | None]


class ConsentRequired(Conflict):
    """Nobody becomes a member, or comes back after a withdrawal, without agreeing.

    Data: `policy_version`, the text to agree to.
    """

    code = "consent_required"


class ProviderUnknown(Invalid):
    """Data: `providers`, those that are set up."""

    code = "provider_unknown"


class LoginForbidden(Forbidden):
    """The membership is frozen or closed."""

    code = "login_forbidden"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds at this brand: the current consent text and how long a token lives."""

    policy_version: str
    session_days: int


@dataclass(frozen=True, kw_only=True)
class LoggedIn:
    """`token` is shown to the phone this once. `consent_current`: False asks for consent to the newer text. `invite`:
    what `welcome` said."""

    token: str
    expires_at: datetime
    member_id: int
    created: bool
    consent_current: bool
    invite: str | None


def log_in(
    *,
    platforms: Mapping[str, Platform],
    provider: str,
    code: str,
    consent: str | None,
    key: str,
    language: str,
    terms: Terms,
    now: datetime,
    vault: PhoneVault,
    welcome: Welcome | None = None,
) -> LoggedIn:
    """Log in, or join with consent to the current text; `consent` is the version agreed to, if any.

    Repeating code and `key` gives a new token and ends the first one: only hashes are kept, so the first cannot be
    told again. `welcome` does what else belongs to a login, in the same transaction. Raises `ConsentRequired` (repeat
    the code with consent), `LoginCodeUsed` for a finished code under another key, `ProviderUnknown`, `LoginForbidden`,
    `Busy`, and what the platform raises.
    """
    platform = platforms.get(provider)
    if platform is None:
        raise ProviderUnknown(providers=sorted(platforms))
    code_hash = hashlib.sha256(
        f"{platform.name}|{platform.app_id}|{platform.canonical(code)}".encode()
    ).digest()
    if _claim(code_hash, platform, now):
        _exchange(code_hash, platform, code, now)
    with transaction() as session:
        known = session.get(LoginCode, code_hash, with_for_update=True)
        if known is None or known.state != "known" or known.claimed_at <= now - CODE_MEMORY:
            raise LoginCodeUsed
        logged_in = _complete(session, known, consent, key, language, terms, now, welcome)
        if known.union_subject is not None:
            _known_across_apps(session, known, known.union_subject, logged_in.member_id, vault)
        return logged_in


def _claim(code_hash: bytes, platform: Platform, now: datetime) -> bool:
    """True: this request asks the chat app. False: the outcome is known. Raises `Busy` while a twin is asking."""
    with transaction() as session:
        fresh = into(LoginCode).on_conflict_do_nothing().returning(LoginCode.code_hash)
        claim = {"code_hash": code_hash, "state": "claimed", "claimed_at": now, "provider": platform.name}
        if session.execute(fresh, claim).one_or_none():
            return True
        row = session.get(LoginCode, code_hash, with_for_update=True)
        if row is not None and row.state == "known":
            return False
        if row is not None and row.claimed_at <= now - CLAIM_STALE:
            row.claimed_at = now
            return True
    raise Busy(retry_after_s=1)


def _exchange(code_hash: bytes, platform: Platform, code: str, now: datetime) -> None:
    claimed = (LoginCode.code_hash == code_hash, LoginCode.state == "claimed")
    try:
        identity = platform.verify(code, now=now)
    except DomainError:
        with transaction() as session:
            # Only our own claim: whoever took it over from us may have had more luck.
            session.execute(delete(LoginCode).where(*claimed, LoginCode.claimed_at == now))
        raise
    with transaction() as session:
        session.execute(
            update(LoginCode)
            .where(*claimed)
            .values(
                state="known",
                app_id=identity.app_id,
                subject=identity.subject,
                union_subject=identity.union_subject,
            )
        )


def _complete(
    session: Session,
    known: LoginCode,
    consent: str | None,
    key: str,
    language: str,
    terms: Terms,
    now: datetime,
    welcome: Welcome | None,
) -> LoggedIn:
    key_hash = token_hash(key)
    if known.key_hash not in (None, key_hash) or _ended(session, known):
        raise LoginCodeUsed
    member_id, created = _member(session, known, consent, language, terms, now)
    if known.session_hash is not None:
        session.execute(
            update(MemberSession).where(MemberSession.token_hash == known.session_hash).values(revoked_at=now)
        )
    token, expires_at = open_session(session, member_id, lifetime_days=terms.session_days, now=now)
    known.key_hash, known.session_hash = key_hash, token_hash(token)
    arrival: Arrival = "joins" if created else "joined" if known.created_member else "member"
    invite = None if welcome is None else welcome(session, member_id, arrival)
    known.created_member = known.created_member or created
    return LoggedIn(
        token=token,
        expires_at=expires_at,
        member_id=member_id,
        created=known.created_member,
        consent_current=agreed_version(session, member_id) == terms.policy_version,
        invite=invite,
    )


def _known_across_apps(
    session: Session, known: LoginCode, unionid: str, member_id: int, vault: PhoneVault
) -> None:
    """The brand may have bound its apps together after the member joined; then they may follow its account already."""
    session.execute(
        update(MemberIdentity)
        .where(
            MemberIdentity.provider == known.provider,
            MemberIdentity.app_id == known.app_id,
            MemberIdentity.subject == known.subject,
            MemberIdentity.union_subject.is_distinct_from(unionid),
        )
        .values(union_subject=unionid)
    )
    followers.link(session, member_id, unionid, vault=vault)


def _ended(session: Session, known: LoginCode) -> bool:
    """Whether the member has logged out, or withdrawn, since: a late repetition must not undo that for them."""
    if known.session_hash is None:
        return False
    former = session.get(MemberSession, known.session_hash)
    return former is None or former.revoked_at is not None


def _member(
    session: Session, known: LoginCode, consent: str | None, language: str, terms: Terms, now: datetime
) -> tuple[int, bool]:
    """The member behind the identity, and whether they joined just now."""
    identity = VerifiedIdentity(known.provider, known.app_id or "", known.subject or "", known.union_subject)
    _one_at_a_time(session, identity)
    found = session.execute(
        select(MemberIdentity.member_id, Member.status)
        .join(Member, Member.id == MemberIdentity.member_id)
        .where(
            MemberIdentity.provider == identity.provider,
            MemberIdentity.app_id == identity.app_id,
            MemberIdentity.subject == identity.subject,
        )
        # Freezing and withdrawing lock the member for themselves: no session opens that they do not see and end.
        # Two logins of one person wait for each other too: both may have to take the membership up again.
        .with_for_update(key_share=True, of=Member)
    ).one_or_none()
    agreed = consent == terms.policy_version
    if found is not None:
        if found.status not in ("active", "withdrawn"):
            raise LoginForbidden
        former = agreed_version(session, found.member_id)
        if former is None and not agreed:
            raise ConsentRequired(policy_version=terms.policy_version)
        if agreed and former != consent:
            agree(
                session, found.member_id, policy_version=terms.policy_version, source=known.provider, now=now
            )
        return found.member_id, False
    if not agreed:
        raise ConsentRequired(policy_version=terms.policy_version)
    member = join(
        session, policy_version=terms.policy_version, source=known.provider, language=language, now=now
    )
    session.add(
        MemberIdentity(
            member_id=member.id,
            provider=identity.provider,
            app_id=identity.app_id,
            subject=identity.subject,
            union_subject=identity.union_subject,
            created_at=now,
        )
    )
    try:
        session.flush()
    except IntegrityError:
        # The lock makes it impossible; the driver's words would put the person's id into the log.
        raise Busy(retry_after_s=1) from None
    return member.id, True


def _one_at_a_time(session: Session, identity: VerifiedIdentity) -> None:
    """Two first logins of one person at once (two codes) must not both find nobody and both create."""
    who = f"{identity.provider}|{identity.app_id}|{identity.subject}"
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:who, 1))"), {"who": who})


def prune(*, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget codes claimed before `before`; how many."""
    return forget("login_codes", "claimed_at", before=before, keep_going=keep_going)
