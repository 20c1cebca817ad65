"""Binding a phone number that WeChat vouches for. Optional: nothing asks for it before it is needed.

Each success costs money (reference B3) and a code works once, so WeChat is asked once for a code, whatever happens;
again only when it certainly did nothing. What it told is kept until it is bound. WeChat is called with no transaction
open.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app import idempotency
from app.db import Busy, DatabaseAway, transaction
from app.errors import DomainError, TooMany, Unavailable
from app.identity.models import LoginCode
from app.identity.platforms import LoginCodeUsed
from app.identity.platforms.wechat_mini import in_our_words
from app.members.phones import PhoneVault, masked
from app.members.profile import bind_phone
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat import WechatClient, errors
from app.throttle import Limit, Throttle

PER_MEMBER = Limit("bind_phone", 5, 24 * 3600)
#: A claim older than this was left by a killed process: every call to WeChat is bounded well below it.
CLAIM_STALE = timedelta(seconds=30)
_PROVIDER = "wechat_phone"
#: After these the code is as good as new, and nothing was billed.
_NOTHING_DONE = (errors.Busy, errors.Unreachable, errors.QuotaExhausted, errors.TokenUnavailable)


class PhoneNotOffered(Unavailable):
    """No chat app that tells phone numbers is set up."""

    code = "phone_not_offered"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """`phone` is masked."""

    phone: str


def bind_wechat_phone(
    *,
    member_id: int,
    code: str,
    request: idempotency.Request,
    client: WechatClient | None,
    vault: PhoneVault,
    throttle: Throttle,
    now: datetime,
) -> Bound:
    """Bind the number behind a phone code (not a login code); answers it masked.

    Raises `LoginCodeInvalid`, `LoginCodeUsed`, `PlatformUnavailable` (tap again for a new code), `PhoneInUse`,
    `PhoneNotOffered`, `PlatformMisconfigured`, `TooMany`, `KeyReused`, `Busy`.
    """
    if client is None:
        raise PhoneNotOffered
    code_hash = hashlib.sha256(f"{_PROVIDER}|{code}".encode()).digest()
    former, cipher = _claim(code_hash, request, now)
    if former is not None:
        return former
    owner = code_hash.hex()
    phone = (
        _ask(client, code, code_hash, member_id, throttle) if cipher is None else vault.open(cipher, owner)
    )
    answer = Bound(phone=masked(phone))
    try:
        if cipher is None:
            # Paid for and told once: should binding fail on our side, the same request finds the number here.
            _settle(code_hash, vault.seal(phone, owner))
        bind_phone(member_id=member_id, phone=phone, vault=vault, request=request, answer=answer, now=now)
    except (Busy, DatabaseAway):
        raise
    except DomainError:
        _settle(code_hash)
        raise
    _settle(code_hash)
    return answer


def _claim(
    code_hash: bytes, request: idempotency.Request, now: datetime
) -> tuple[Bound | None, bytes | None]:
    """The former answer to this request; or the sealed number it was told before; or neither: it asks WeChat.

    Raises `Busy` while a twin is asking: waiting would hold a thread that tills need.
    """
    key_hash = hashlib.sha256(f"{request.scope}|{request.key}".encode()).digest()
    with transaction() as session:
        former = idempotency.claim(session, request, Bound)
        if former is not None:
            return former, None
        first = insert(LoginCode).values(
            code_hash=code_hash, state="claimed", claimed_at=now, provider=_PROVIDER, key_hash=key_hash
        )
        if session.execute(first.on_conflict_do_nothing().returning(LoginCode.code_hash)).one_or_none():
            return None, None
        row = session.get(LoginCode, code_hash)
        if row is None:
            raise Busy(retry_after_s=1)
        if row.key_hash == key_hash and row.phone_cipher is not None:
            return None, row.phone_cipher
        if row.key_hash == key_hash and row.state == "claimed" and row.claimed_at > now - CLAIM_STALE:
            raise Busy(retry_after_s=1)
        raise LoginCodeUsed


def _ask(client: WechatClient, code: str, code_hash: bytes, member_id: int, throttle: Throttle) -> str:
    try:
        with client.places.one():
            throttle.hit(PER_MEMBER, member_id)
            return client.phone_number(code)
    except (Busy, TooMany):
        _let_go(code_hash)
        raise
    except (ProviderRefused, ProviderUnavailable) as failure:
        if isinstance(failure, _NOTHING_DONE):
            _let_go(code_hash)
            throttle.give_back(PER_MEMBER, member_id)  # an outage of theirs must not cost the member a day
        else:
            _settle(code_hash)
        raise in_our_words(failure) from failure


def _let_go(code_hash: bytes) -> None:
    """WeChat was not asked or did nothing: the code may be tried again."""
    with transaction() as session:
        session.execute(delete(LoginCode).where(LoginCode.code_hash == code_hash))


def _settle(code_hash: bytes, phone_cipher: bytes | None = None) -> None:
    """WeChat is done with the code. The number is kept, sealed, only while it may still have to be bound."""
    with transaction() as session:
        session.execute(
            update(LoginCode)
            .where(LoginCode.code_hash == code_hash)
            .values(state="known", phone_cipher=phone_cipher)
        )
