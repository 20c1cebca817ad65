"""What a member wants to know of their tier: how long it lasts, what keeps it, what is missing to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select, text

from app.clock import HOME_ZONE, business_date
from app.db import reading
from app.errors import NotFound
from app.texts import say, yuan
from app.tiers import books
from app.tiers.books import Recorded
from app.tiers.bought import Tally, standing_sales
from app.tiers.card import TierName
from app.tiers.days import counts_from
from app.tiers.models import Tier
from app.tiers.plan import Basis, Plan, plans

#: So long before its end a tier that is not kept yet is told of before the next one.
_REMINDED = timedelta(days=30)
_HAS_PHONE = text("SELECT phone_index IS NOT NULL FROM members WHERE id = :member_id")


@dataclass(frozen=True, kw_only=True)
class NextTier:
    """`missing` in the plan's basis: fen, visits, growth value."""

    tier: TierName
    at_least: int
    missing: int
    basis: Basis

    def text(self, language: str) -> str:
        return say(
            f"tier.next.{self.basis}",
            language,
            tier=_name(self.tier, language),
            missing=_shown(self.basis, self.missing),
        )


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """What keeps the tier: `at_least` bought from `counts_from` through `until`, `amount` of which are there."""

    tier: TierName
    at_least: int
    amount: int
    missing: int
    counts_from: date
    valid_through: date
    until: date
    basis: Basis
    #: Whether what is bought today counts towards it.
    begun: bool

    def text(self, language: str) -> str:
        words = {"tier": _name(self.tier, language), "until": self.until, "valid_through": self.valid_through}
        if not self.begun:
            return say("tier.valid", language, **words)
        if self.missing == 0:
            return say("tier.kept", language, **words)
        by = say("tier.by.the_end" if self.until == self.valid_through else "tier.by", language, **words)
        missing = _shown(self.basis, self.missing)
        return say(f"tier.keep.{self.basis}", language, missing=missing, by=by, **words)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`amount` is what counts towards the next tier today, from `counts_from` on. `today` is the chain's day.

    `birthday_points` are what the tier gives for a birthday, 0 for none; `phone_needed`: not before this member binds a
    phone. Without a plan there is a tier and no more.
    """

    tier: TierName
    today: date
    basis: Basis | None
    amount: int
    counts_from: date | None
    next: NextTier | None
    keep: Keeping | None
    birthday_points: int = 0
    phone_needed: bool = False

    def text(self, language: str) -> str:
        """The one line worth telling first; empty when there is nothing to tell."""
        keep = self.keep
        urgent = keep is not None and keep.begun and keep.missing > 0 and keep.until - self.today <= _REMINDED
        told = keep if urgent or self.next is None else self.next
        return "" if told is None else told.text(language)


def progress(*, member_id: int, now: datetime) -> Progress:
    """Where the member stands by what has been decided, and by all they bought until now. Raises `NotFound`."""
    with reading() as connection:
        found = books.recorded(connection, [member_id])
        if not found:
            raise NotFound
        held = plans(connection).at(now)
        names = _names(connection)
        phone = connection.execute(_HAS_PHONE, {"member_id": member_id}).scalar_one()
        theirs = standing_sales(books.bought(connection, [member_id]).get(member_id, ())) if held else ()
    [one] = found
    today = business_date(now, HOME_ZONE)
    tier = names[one.card_tier]
    if held is None:
        return Progress(tier=tier, today=today, basis=None, amount=0, counts_from=None, next=None, keep=None)
    plan, tally = held.plan, Tally(held.plan, theirs)
    first = counts_from(plan.window, today)
    amount = tally.between(first, today)
    return Progress(
        tier=tier,
        today=today,
        basis=plan.basis,
        amount=amount,
        counts_from=first,
        next=_next(plan, one, amount, names),
        keep=_keep(plan, one, tally, tier, today),
        birthday_points=plan.levels[plan.place(one.card_tier) or 0].birthday_points,
        phone_needed=plan.birthday_needs_phone and not phone,
    )


def _next(plan: Plan, one: Recorded, amount: int, names: Mapping[str, TierName]) -> NextTier | None:
    higher = plan.levels[(plan.place(one.card_tier) or 0) + 1 :]
    if not higher:
        return None
    return NextTier(
        tier=names[higher[0].code],
        at_least=higher[0].at_least,
        missing=max(0, higher[0].at_least - amount),
        basis=plan.basis,
    )


def _keep(plan: Plan, one: Recorded, tally: Tally, tier: TierName, today: date) -> Keeping | None:
    standing, place = one.standing, plan.place(one.standing.tier)
    if standing.counts_from is None or standing.valid_through is None or place is None:
        return None
    until = standing.valid_through + timedelta(days=plan.grace_days)
    at_least = plan.levels[place].at_least
    amount = tally.between(standing.counts_from, until)
    return Keeping(
        tier=tier,
        at_least=at_least,
        amount=amount,
        missing=max(0, at_least - amount),
        counts_from=standing.counts_from,
        valid_through=standing.valid_through,
        until=until,
        basis=plan.basis,
        begun=standing.counts_from <= today,
    )


def _names(connection: Connection) -> dict[str, TierName]:
    rows = connection.execute(select(Tier.code, Tier.name_zh, Tier.name_en))
    return {row.code: TierName(code=row.code, zh=row.name_zh, en=row.name_en) for row in rows}


def _name(tier: TierName, language: str) -> str:
    return tier.en if language == "en" else tier.zh


def _shown(basis: Basis, amount: int) -> str:
    return yuan(amount) if basis == "spend" else str(amount)
