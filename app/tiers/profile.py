"""A member's own record, as they see it themselves."""

import logging
from dataclasses import dataclass
from datetime import date, datetime

from app.clock import HOME_ZONE, business_date
from app.db import reading
from app.errors import NotFound
from app.members.home import HomeStore, home_of
from app.members.phones import PhoneVault, masked
from app.tiers.card import Card, TierName, card_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Profile:
    member_no: str
    name: str
    language: str
    birthday: date | None
    marketing_opt_out: bool
    phone: str | None
    tier: TierName
    points: int
    balance_fen: int
    joined_on: date
    home_store: HomeStore | None


def profile(*, member_id: int, vault: PhoneVault, now: datetime) -> Profile:
    """The member's record, the phone number masked. Raises `NotFound`."""
    with reading() as connection:
        card = card_of(connection, member_id, now=now)
        home = home_of(connection, member_id)
    if card is None:
        raise NotFound
    return Profile(
        member_no=card.member_no,
        name=card.name,
        language=card.language,
        birthday=card.birthday,
        marketing_opt_out=card.marketing_opt_out,
        phone=_phone(card, vault),
        tier=card.tier,
        points=card.points,
        balance_fen=card.balance_fen,
        joined_on=business_date(card.joined_at, HOME_ZONE),
        home_store=home,
    )


def _phone(card: Card, vault: PhoneVault) -> str | None:
    """Masked. A number that no key opens is an operator's alarm, not a reason to keep the member out."""
    if card.phone_cipher is None:
        return None
    try:
        return masked(vault.open(card.phone_cipher, card.public_id))
    except ValueError as fault:
        log.error("member %s: %s", card.public_id, fault)
        return None
