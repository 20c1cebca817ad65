"""What a bill costs with the best of what may lower it, and why each benefit counts or does not: pure, no database.

Benefits work one after another, higher priority first, then by key, each on what its goods still cost. Gifts come last,
on what the goods cost then. docs/discounts.md tells how the best combination is found.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from app.discounts import reasons
from app.discounts.benefit import Benefit, BenefitNotApplicable, Priced, Told
from app.discounts.cart import Cart, Offer, Piece, State
from app.discounts.effects import (
    BASIS,
    AmountOff,
    Effect,
    FreePieces,
    Gift,
    PercentOff,
    PerFull,
    SpecialPrice,
)
from app.discounts.search import search
from app.points.fitting import takes

__all__ = [
    "AmountOff",
    "Benefit",
    "BenefitNotApplicable",
    "FreePieces",
    "Gift",
    "PerFull",
    "PercentOff",
    "Priced",
    "SpecialPrice",
    "Told",
    "best",
]


def best(
    lines: Sequence[Piece],
    benefits: Iterable[Benefit],
    *,
    chosen: Collection[str] = frozenset(),
    refused: Collection[str] = frozenset(),
) -> Priced:
    """The most that these benefits take off the bill, with all of `chosen` and none of `refused` (keys).

    Raises `BenefitNotApplicable` for one of the chosen.
    """
    pricing = _Pricing(lines, sorted(benefits, key=lambda one: (-one.priority, one.key)), chosen, refused)
    pricing.check_chosen()
    candidates = pricing.candidates()
    found = search(pricing.cart, candidates)
    if found is None:
        raise pricing.spoilt()
    priced = pricing.told(found.offers, complete=found.complete)
    if pricing.short_of(priced) is None:
        return priced
    # The others took too much off for a gift that was chosen: then without them.
    return pricing.with_gifts([offer for offer in candidates if offer.must])


class _Pricing:
    """A bill with its benefits in order, each as an offer or with the reason why it is none."""

    def __init__(
        self,
        lines: Sequence[Piece],
        benefits: Sequence[Benefit],
        chosen: Collection[str],
        refused: Collection[str],
    ) -> None:
        self.lines, self.benefits, self.chosen = lines, benefits, chosen
        goods: dict[tuple[int, ...], int] = {tuple(range(len(lines))): 0}
        groups: dict[str, int] = {"": 0}
        self.offers: list[Offer] = []
        for one in benefits:
            places = () if one.refusal else _places(one, lines)
            number = goods.setdefault(places, len(goods))
            group = groups.setdefault(one.group, len(groups))
            self.offers.append(_offer(one, places, number, group, must=one.key in chosen))
        self.cart = Cart(lines, list(goods))
        self.reasons = [
            self._at_first(one, offer, one.key in refused)
            for one, offer in zip(benefits, self.offers, strict=True)
        ]

    def check_chosen(self) -> None:
        """Raises `BenefitNotApplicable`, unless each of the chosen could be applied and none excludes another."""
        unknown = sorted(set(self.chosen) - {one.key for one in self.benefits})
        if unknown:
            raise _not(Told(key=unknown[0], applied=False, reason=reasons.UNKNOWN))
        before: list[Benefit] = []
        for one, reason in zip(self.benefits, self.reasons, strict=True):
            if one.key in self.chosen:
                reason = reason or _excluded(one, before)
                if reason is not None:
                    raise _not(reason)
                before.append(one)

    def candidates(self) -> list[Offer]:
        """The offers that lower this bill and go with what was chosen."""
        chosen = [one for one in self.benefits if one.key in self.chosen]
        return [
            offer
            for one, offer, reason in zip(self.benefits, self.offers, self.reasons, strict=True)
            if reason is None
            and not isinstance(one.effect, Gift)
            and (offer.must or _excluded(one, chosen) is None)
        ]

    def spoilt(self) -> BenefitNotApplicable:
        """Of the chosen, which could each be applied, the first one for which those before it leave too little."""
        state, before = self.cart.untouched, ""
        for one, offer in zip(self.benefits, self.offers, strict=True):
            if offer.must and not isinstance(one.effect, Gift):
                off_fen = self.cart.off(offer, state)
                if not off_fen:
                    return _not(replace(self._too_little(one, offer, state), other=before))
                state, before = self.cart.after(offer, off_fen, state), one.key
        raise AssertionError("all of the chosen can be applied")

    def told(self, applied: Collection[Offer], *, complete: bool) -> Priced:
        """The bill with these offers applied, and a word on every benefit."""
        ids = {id(offer) for offer in applied}
        gifts = self._gifts(applied)
        those = [
            one
            for one, offer in zip(self.benefits, self.offers, strict=True)
            if id(offer) in ids or (one.key in gifts and one.key in self.chosen)
        ]
        state, told = self.cart.untouched, []
        for one, offer, reason in zip(self.benefits, self.offers, self.reasons, strict=True):
            if one.key in gifts:
                told.append(gifts[one.key])
            elif id(offer) in ids:
                off_fen = self.cart.off(offer, state)
                told.append(self._applied(one, offer, off_fen, state))
                state = self.cart.after(offer, off_fen, state)
            else:
                told.append(reason or _excluded(one, those) or self._too_little(one, offer, state))
        return Priced(
            line_discounts=tuple(
                line.amount_fen - net for line, net in zip(self.lines, state.nets, strict=True)
            ),
            told=tuple(told),
            discount_fen=state.off_fen,
            complete=complete,
        )

    def with_gifts(self, applied: Collection[Offer]) -> Priced:
        """As `told`; nobody knows whether anything else would go with the gifts. Raises `BenefitNotApplicable`."""
        priced = self.told(applied, complete=False)
        short = self.short_of(priced)
        if short is not None:
            raise _not(short)
        return priced

    def short_of(self, priced: Priced) -> Told | None:
        """The first of the chosen that is not applied: a gift for which the bill has become too small."""
        return next((told for told in priced.told if told.key in self.chosen and not told.applied), None)

    def _gifts(self, applied: Collection[Offer]) -> dict[str, Told]:
        """A word on every gift once these have lowered the bill; those that were chosen come first."""
        state = self.cart.untouched
        for offer in applied:
            state = self.cart.after(offer, self.cart.off(offer, state), state)
        ids, told = {id(offer) for offer in applied}, {}
        those = [one for one, offer in zip(self.benefits, self.offers, strict=True) if id(offer) in ids]
        gifts = [
            (one, offer, reason)
            for one, offer, reason in zip(self.benefits, self.offers, self.reasons, strict=True)
            if isinstance(one.effect, Gift)
        ]
        for one, offer, reason in sorted(gifts, key=lambda gift: not gift[1].must):
            told[one.key] = reason or _excluded(one, those) or self._handed_over(one, offer, state)
            if told[one.key].applied:
                those.append(one)
        return told

    def _handed_over(self, one: Benefit, offer: Offer, state: State) -> Told:
        missing_fen = max(0, one.at_least_fen - state.sums[offer.goods])
        missing_pieces = max(
            0, one.at_least_pieces - sum(self.lines[place].quantity for place in offer.places)
        )
        if missing_fen or missing_pieces:
            return Told(
                key=one.key,
                applied=False,
                reason=reasons.BELOW_THRESHOLD,
                missing_fen=missing_fen,
                missing_pieces=missing_pieces,
            )
        return Told(key=one.key, applied=True, reason=reasons.APPLIED, line_discounts=(0,) * len(self.lines))

    def _applied(self, one: Benefit, offer: Offer, off_fen: int, state: State) -> Told:
        by_line = [0] * len(self.lines)
        for place, off in zip(offer.places, self.cart.by_line(offer, off_fen, state), strict=True):
            by_line[place] = off
        return Told(
            key=one.key,
            applied=True,
            reason=reasons.APPLIED,
            discount_fen=off_fen,
            line_discounts=tuple(by_line),
        )

    def _at_first(self, one: Benefit, offer: Offer, refused: bool) -> Told | None:
        """Why it will not be applied, whatever the others are; None if it might."""
        reason = one.refusal or (
            reasons.REFUSED if refused else "" if offer.places else reasons.NO_MATCHING_GOODS
        )
        if reason:
            return Told(key=one.key, applied=False, reason=reason)
        if isinstance(one.effect, Gift):
            told = self._handed_over(one, offer, self.cart.untouched)
            return None if told.applied else told
        pieces = sum(self.lines[place].quantity for place in offer.places)
        if pieces >= one.at_least_pieces and self.cart.off(offer, self.cart.untouched):
            return None
        return self._too_little(one, offer, self.cart.untouched)

    def _too_little(self, one: Benefit, offer: Offer, state: State) -> Told:
        """Why it is not applied when its goods cost what they do in this state."""
        amount_fen = state.sums[offer.goods]
        missing_fen = max(0, offer.least_fen - amount_fen)
        pieces = sum(self.lines[place].quantity for place in offer.places)
        missing_pieces = max(0, one.at_least_pieces - pieces)
        if amount_fen and (missing_fen or missing_pieces):
            return Told(
                key=one.key,
                applied=False,
                reason=reasons.BELOW_THRESHOLD,
                missing_fen=missing_fen,
                missing_pieces=missing_pieces,
            )
        if self.cart.off(offer, state):
            reason = reasons.LESS_THAN_OTHERS
        else:
            saves = self.cart.off(replace(offer, worth_fen=0), state)
            reason = reasons.BELOW_USE_VALUE if saves else reasons.NO_SAVING
        return Told(key=one.key, applied=False, reason=reason)


def _places(one: Benefit, lines: Sequence[Piece]) -> tuple[int, ...]:
    """The lines of its goods."""
    asked = one.conditions
    if asked.products is None and asked.categories is None:
        return tuple(range(len(lines)))
    return tuple(place for place, line in enumerate(lines) if takes(asked, line))


def _excluded(one: Benefit, others: Iterable[Benefit]) -> Told | None:
    """That it may not be applied beside one of these."""
    for other in others:
        if other is not one and (one.alone or other.alone or (one.group and one.group == other.group)):
            return Told(key=one.key, applied=False, reason=reasons.NOT_COMBINABLE, other=other.key)
    return None


def _not(told: Told) -> BenefitNotApplicable:
    return BenefitNotApplicable(
        benefit=told.key,
        reason=told.reason,
        missing_fen=told.missing_fen,
        missing_pieces=told.missing_pieces,
        other=told.other,
    )


def _offer(one: Benefit, places: tuple[int, ...], goods: int, group: int, *, must: bool) -> Offer:
    least_fen = max(1, one.at_least_fen, one.effect.every_fen if isinstance(one.effect, PerFull) else 0)
    num, den = _steepest(one.effect, least_fen)
    worth_fen = 0 if must else one.worth_fen
    return Offer(one.effect, places, goods, least_fen, group, one.alone, must, num, den, worth_fen)


def _steepest(effect: Effect, least_fen: int) -> tuple[int, int]:
    """The largest part that the effect can take off goods that cost `least_fen` or more."""
    if isinstance(effect, PercentOff):
        return effect.percent_bp, BASIS
    if isinstance(effect, AmountOff):
        return effect.off_fen, max(effect.off_fen, least_fen)
    if isinstance(effect, PerFull):
        return min(effect.off_fen, effect.every_fen), effect.every_fen
    return 1, 1
