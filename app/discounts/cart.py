"""A bill and what may lower it as numbers: what the search for the best combination works on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Protocol

from app.discounts.effects import Effect, FreePieces, SpecialPrice, share
from app.points.fitting import Bought


class Piece(Bought, Protocol):
    """A line of a bill, with the number of its pieces."""

    @property
    def quantity(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """A benefit on this bill.

    `places` are the lines it is about, and `goods` the number of that set of lines. It works while they cost
    `least_fen`, as long as it takes `worth_fen` off, and never takes off more than `num`/`den` of what they cost then.
    `group` 0: none.
    """

    effect: Effect
    places: tuple[int, ...]
    goods: int
    least_fen: int
    group: int
    alone: bool
    must: bool
    num: int
    den: int
    worth_fen: int


@dataclass(frozen=True, slots=True)
class State:
    """What every line costs after some offers, what each set of lines costs, and what was taken off in all."""

    nets: list[int]
    sums: list[int]
    off_fen: int


class Cart:
    """The bill's lines, and the sets of them that offers are about; the first set is the whole bill."""

    def __init__(self, lines: Sequence[Piece], sets: Sequence[tuple[int, ...]]) -> None:
        self._quantities = [line.quantity for line in lines]
        nets = [line.amount_fen for line in lines]
        self.untouched = State(nets, [sum([nets[place] for place in places]) for places in sets], 0)
        self._of = [_taken_from(places) for places in sets]
        known = [frozenset(places) for places in sets]
        # Of a set that holds all lines of another the sum follows by itself; where they share some it is taken anew.
        self._holding = [[n for n, other in enumerate(known) if own <= other] for own in known]
        self._sharing = [
            [n for n, other in enumerate(known) if own & other and not own <= other] for own in known
        ]

    def off(self, offer: Offer, state: State) -> int:
        """What the offer would take off now."""
        amount_fen = state.sums[offer.goods]
        if amount_fen < offer.least_fen:
            return 0
        effect = offer.effect
        if isinstance(effect, SpecialPrice | FreePieces):
            off_fen = sum(self._by_line(effect, offer.places, state))
        else:
            off_fen = effect.off(amount_fen)
        return off_fen if off_fen >= offer.worth_fen else 0

    def by_line(self, offer: Offer, off_fen: int, state: State) -> list[int]:
        """`off_fen`, as `off` told it, on each of the offer's lines."""
        if isinstance(offer.effect, SpecialPrice | FreePieces):
            return self._by_line(offer.effect, offer.places, state)
        return share(off_fen, self._of[offer.goods](state.nets))

    def after(self, offer: Offer, off_fen: int, state: State) -> State:
        """The state once the offer has taken `off_fen` off."""
        nets, sums = state.nets.copy(), state.sums.copy()
        for place, off in zip(offer.places, self.by_line(offer, off_fen, state), strict=True):
            nets[place] -= off
        for number in self._holding[offer.goods]:
            sums[number] -= off_fen
        for number in self._sharing[offer.goods]:
            sums[number] = sum(self._of[number](nets))
        return State(nets, sums, state.off_fen + off_fen)

    def _by_line(self, effect: SpecialPrice | FreePieces, places: Sequence[int], state: State) -> list[int]:
        return effect.by_line(
            [state.nets[place] for place in places], [self._quantities[place] for place in places]
        )


def _taken_from(places: tuple[int, ...]) -> Callable[[list[int]], Sequence[int]]:
    """What takes these places out of a list; itemgetter alone gives no sequence for fewer than two."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))
