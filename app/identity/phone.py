"""Binding a phone number that WeChat vouches for. Optional: nothing asks for it before it is needed.

Each success costs money (reference B3) and a code works once, so a code is asked about once, whatever happens.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from app import idempotency
from app.db import transaction
from app.errors import Unavailable
from app.identity.models import LoginCode
from app.identity.platforms import LoginCodeInvalid, LoginCodeUsed, PlatformUnavailable
from app.members.phones import PhoneVault, masked
from app.members.profile import bind_phone
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat import WechatClient
from app.throttle import Limit, Throttle

PER_MEMBER = Limit("bind_phone", 5, 24 * 3600)
_PROVIDER = "wechat_phone"


class PhoneNotOffered(Unavailable):
    """No chat app that tells phone numbers is set up."""

    code = "phone_not_offered"


@dataclass(frozen=True, kw_only=True)
class Bound:
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

    Raises `LoginCodeInvalid`, `LoginCodeUsed`, `PhoneInUse`, `PlatformUnavailable` (tap again for a new code),
    `PhoneNotOffered`, `TooMany`, `KeyReused`.
    """
    if client is None:
        raise PhoneNotOffered
    with transaction() as session:
        former = idempotency.claim(session, request, Bound)
        if former is not None:
            return former
        throttle.hit(PER_MEMBER, member_id)
        first = insert(LoginCode).values(
            code_hash=hashlib.sha256(f"{_PROVIDER}|{code}".encode()).digest(),
            state="claimed",
            claimed_at=now,
            provider=_PROVIDER,
        )
        claimed = session.execute(first.on_conflict_do_nothing().returning(LoginCode.code_hash)).one_or_none()
        if claimed is None:
            raise LoginCodeUsed
    phone = _ask(client, code)
    answer = Bound(phone=masked(phone))
    bind_phone(member_id=member_id, phone=phone, vault=vault, request=request, answer=answer, now=now)
    return answer


def _ask(client: WechatClient, code: str) -> str:
    try:
        return client.phone_number(code)
    except ProviderRefused as failure:
        raise LoginCodeInvalid from failure
    except ProviderUnavailable as failure:
        raise PlatformUnavailable from failure
