"""Binding a phone number that WeChat vouches for. Optional: nothing asks for it before it is needed.

Each success costs money (reference B3) and a code works once, so WeChat is asked once for a code, whatever happens;
again only when it certainly did nothing. WeChat is called with no transaction open.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app import idempotency
from app.db import Busy, transaction
from app.errors import DomainError, Unavailable
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
TWIN_WAIT_S = 3.0
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
    former = _claim(code_hash, member_id, request, throttle, now)
    if former is not None:
        return former
    try:
        phone = _ask(client, code)
        answer = Bound(phone=masked(phone))
        bind_phone(member_id=member_id, phone=phone, vault=vault, request=request, answer=answer, now=now)
    except DomainError as error:
        _settle(code_hash, good_still=isinstance(error.__cause__, _NOTHING_DONE))
        raise
    return answer


def _claim(
    code_hash: bytes, member_id: int, request: idempotency.Request, throttle: Throttle, now: datetime
) -> Bound | None:
    """None: this request asks WeChat. Else the former answer to it. Waits for a twin that is asking."""
    key_hash = hashlib.sha256(f"{request.scope}|{request.key}".encode()).digest()
    give_up = time.monotonic() + TWIN_WAIT_S
    while True:
        with transaction() as session:
            former = idempotency.claim(session, request, Bound)
            if former is not None:
                return former
            first = insert(LoginCode).values(
                code_hash=code_hash, state="claimed", claimed_at=now, provider=_PROVIDER, key_hash=key_hash
            )
            if session.execute(first.on_conflict_do_nothing().returning(LoginCode.code_hash)).one_or_none():
                throttle.hit(PER_MEMBER, member_id)
                return None
            row = session.get(LoginCode, code_hash)
            if row is not None and (
                row.state == "known" or row.key_hash != key_hash or row.claimed_at <= now - CLAIM_STALE
            ):
                raise LoginCodeUsed
        if time.monotonic() > give_up:
            raise Busy(retry_after_s=1)
        time.sleep(0.05)


def _ask(client: WechatClient, code: str) -> str:
    try:
        return client.phone_number(code)
    except (ProviderRefused, ProviderUnavailable) as failure:
        raise in_our_words(failure) from failure


def _settle(code_hash: bytes, *, good_still: bool) -> None:
    """No number came of it: let the code be tried again, or be refused at once from now on."""
    claim = LoginCode.code_hash == code_hash
    with transaction() as session:
        if good_still:
            session.execute(delete(LoginCode).where(claim))
        else:
            session.execute(update(LoginCode).where(claim).values(state="known"))
