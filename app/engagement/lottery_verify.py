"""A round that is over, recomputed draw by draw from the seed that was told."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.db import engine
from app.engagement.lottery_fair import commitment_of, number_of, prize_of
from app.engagement.lottery_rounds import Round, one_round
from app.errors import Conflict


class SeedNotRevealed(Conflict):
    """The round is not over."""

    code = "lottery_seed_not_revealed"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`what` is a draw, or the round itself."""

    what: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Verified:
    draws: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, kw_only=True)
class _Draw:
    id: str
    player: str
    draw_no: int
    client_seed: str
    number: int
    drawn: int
    given: int
    instead: str | None
    win_no: int | None


_DRAWS = text("""
    SELECT id, player, draw_no, client_seed, number, drawn, given, instead, win_no FROM lottery_draws
    WHERE round_id = :id ORDER BY id""")


def verify(*, round_id: str) -> Verified:
    """Raises `NotFound`, `SeedNotRevealed`."""
    held = one_round(round_id=round_id)
    if held.seed is None:
        raise SeedNotRevealed
    faults = [] if commitment_of(bytes.fromhex(held.seed)) == held.commitment else [_of_round("seed")]
    with engine().connect() as connection:
        check = _Check(held, bytes.fromhex(held.seed))
        faults += check.draws(connection)
    return Verified(draws=check.seen, faults=(*faults, *check.sums()))


def _of_round(what: str) -> Fault:
    return Fault(what="round", problem=f"the {what} is not the one that was published")


class _Check:
    def __init__(self, held: Round, seed: bytes) -> None:
        self._round, self._seed = held, seed
        self._last: Counter[str] = Counter()
        self._won: Counter[int] = Counter()
        self._missed: set[int] = set()
        self.seen = 0

    def draws(self, connection: Connection) -> Iterator[Fault]:
        for row in connection.execute(_DRAWS, {"id": self._round.id}):
            self.seen += 1
            draw = _Draw(**row._mapping)
            if (problem := self._problem(draw)) is not None:
                yield Fault(what=draw.id, problem=problem)

    def _problem(self, draw: _Draw) -> str | None:
        self._last[draw.player] += 1
        number = number_of(
            self._seed,
            round_id=self._round.id,
            draw_no=draw.draw_no,
            player=draw.player,
            client_seed=draw.client_seed,
            weights=self._round.weights,
        )
        if draw.draw_no != self._last[draw.player]:
            return f"draw {draw.draw_no} of the player where {self._last[draw.player]} was next"
        if draw.number != number:
            return f"number {draw.number} instead of {number}"
        if draw.drawn != (drawn := prize_of(number, self._round.weights)):
            return f"prize {draw.drawn} instead of {drawn}"
        return self._given(draw)

    def _given(self, draw: _Draw) -> str | None:
        if draw.instead is None:
            self._won[draw.drawn] += 1
            return None if draw.given == draw.drawn else f"prize {draw.given} given instead of {draw.drawn}"
        if draw.instead == "used_up":
            self._missed.add(draw.drawn)
        fallback = self._round.terms.fallback
        return None if draw.given == fallback else f"prize {draw.given} given instead of {fallback}"

    def sums(self) -> Iterator[Fault]:
        """No prize was given more often than there were, nor called used up while there were some."""
        for prize_no, prize in enumerate(self._round.terms.prizes, 1):
            won = self._won[prize_no]
            if prize.stock is not None and won > prize.stock:
                yield Fault(what="round", problem=f"prize {prize_no}: {won} given of {prize.stock}")
            if prize_no in self._missed and won != prize.stock:
                yield Fault(
                    what="round", problem=f"prize {prize_no}: called used up at {won} of {prize.stock}"
                )
