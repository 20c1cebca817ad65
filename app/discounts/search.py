"""The best combination of offers: depth first in their order of application, cut off where a bound shows no gain.

The bound rests on what all effects have in common: lines that cost less leave less to take off. So what an offer
would take off now is the most it can take off later, and one that does not work now will not work later.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.discounts.cart import Cart, Offer, State

#: How much the search may look at before it ends with the best it has: an offer looked at counts as one, one taken off
#: the bill as `_TAKING`. All combinations of nine offers come to less; for most bills the bound leaves so few that
#: thirty offers are searched to the end.
MOST_LOOKS = 8_000
_TAKING = 20

#: An offer as it stands at some point: what it would take off now, and itself.
_Live = tuple[int, Offer]


@dataclass(frozen=True, slots=True)
class Found:
    """What to apply, in order; `complete` unless the looks ran out before everything better was ruled out."""

    offers: tuple[Offer, ...]
    complete: bool


def search(cart: Cart, offers: Sequence[Offer]) -> Found | None:
    """The combination with the most off, of these one with the fewest offers; None if those that must be in it cannot.

    `offers` are in order of application; those that go with none of the ones that must be in it are left out. The
    result is at least as good as the ones that must be in it with any single other one.
    """
    looking = _Looking(cart)
    for seed in _seeds(cart, offers):
        looking.try_out(seed)
    if looking.best is None:
        return None
    # What goes with nothing else has been tried by itself.
    complete = looking.descend(
        [offer for offer in offers if not offer.alone or offer.must], cart.untouched, ()
    )
    return Found(looking.best, complete)


def _seeds(cart: Cart, offers: Sequence[Offer]) -> list[Sequence[Offer]]:
    """What must be there, the same with each other offer, and with all that go together: the largest of each group."""
    largest: dict[int, int] = {}
    for offer in offers:
        largest[offer.group] = max(largest.get(offer.group, 0), cart.off(offer, cart.untouched))
    many: list[Offer] = []
    groups: set[int] = set()
    for offer in offers:
        if offer.group in groups or (offer.alone and not offer.must):
            continue
        if not offer.group or cart.off(offer, cart.untouched) == largest[offer.group]:
            many.append(offer)
            groups |= {offer.group} if offer.group else set()
    must = [offer for offer in offers if offer.must]
    each = [[o for o in offers if o.must or o is other] for other in offers if not other.must]
    return [must, *each, many]


class _Looking:
    def __init__(self, cart: Cart) -> None:
        self.cart = cart
        self.best: tuple[Offer, ...] | None = None
        self.best_fen = -1
        self.looks = 0

    def try_out(self, offers: Collection[Offer]) -> None:
        """These, as far as they work one after the other."""
        state, taken = self.cart.untouched, []
        for offer in offers:
            off_fen = self.cart.off(offer, state)
            if off_fen:
                state = self.cart.after(offer, off_fen, state)
                taken.append(offer)
            elif offer.must:
                return
        self._note(tuple(taken), state.off_fen)

    def descend(self, offers: Sequence[Offer], state: State, taken: tuple[Offer, ...]) -> bool:
        """Everything that may come after `taken`; False if the looks ran out."""
        self.looks += _TAKING + len(offers)
        if self.looks > MOST_LOOKS:
            return False
        live: list[_Live] = []
        off = self.cart.off
        for offer in offers:
            if off_fen := off(offer, state):
                live.append((off_fen, offer))
            elif offer.must:
                return True
        if not any(offer.must for _, offer in live):
            self._note(taken, state.off_fen)
        for place, (off_fen, offer) in enumerate(live):
            if self._hopeless(live, place, state, len(taken) + 1):
                return True
            rest = [o for _, o in live[place + 1 :] if not offer.group or o.group != offer.group]
            if not rest:
                self._note((*taken, offer), state.off_fen + off_fen)
            elif not self.descend(rest, self.cart.after(offer, off_fen, state), (*taken, offer)):
                return False
            if offer.must:
                return True
        return True

    def _note(self, taken: tuple[Offer, ...], off_fen: int) -> None:
        if off_fen > self.best_fen or (
            off_fen == self.best_fen and self.best is not None and len(taken) < len(self.best)
        ):
            self.best, self.best_fen = taken, off_fen

    def _hopeless(self, live: Sequence[_Live], start: int, state: State, count: int) -> bool:
        """Whether the offers from `start` on cannot lead to anything better, as `count` offers or more."""
        assert self.best is not None
        self.looks += len(live) - start
        enough = self.best_fen - state.off_fen + (count >= len(self.best))
        return _at_most(live, start, state, enough) < enough


def _at_most(live: Sequence[_Live], start: int, state: State, enough: int) -> int:
    """A bound on what the offers from `start` on can take off together, or anything from `enough` on.

    Two bounds hold at once. `apart` lets offers lower the price for one another only if they are about the same goods;
    `left` lets all of them do so, and none is about more than the whole bill still costs. Of a group the largest
    counts.
    """
    sums = state.sums
    left = whole = sums[0]
    apart = grouped = 0
    goods: dict[int, int] = {}
    groups: dict[int, int] = {}
    for off_fen, offer in live[start:]:
        number = offer.goods
        if offer.group:
            former = groups.get(offer.group, 0)
            if off_fen > former:
                groups[offer.group] = off_fen
                grouped += off_fen - former
        else:
            amount = goods.get(number, sums[number])
            part = amount * offer.num // offer.den
            if part > off_fen:
                part = off_fen
            goods[number] = amount - part
            apart += part
            amount = sums[number]
            part = (amount if amount < left else left) * offer.num // offer.den
            left -= part if part < off_fen else off_fen
        if apart + grouped >= enough and whole - left + grouped >= enough:
            break
    return min(whole, min(apart, whole - left) + grouped)
