"""Rounds of a lottery: the seed is fixed and its hash published before, the seed itself told afterwards."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from app import audit
from app.db import into, reading, transaction
from app.engagement.activity import ActivityNotOpen, one
from app.engagement.definitions import Definition, Lottery, definition_of
from app.engagement.lottery_fair import SEED_BYTES, commitment_of
from app.engagement.lottery_models import LotteryRound, LotterySeed, LotteryStock
from app.engagement.lottery_seed import SeedVault
from app.engagement.models import ActivityRow
from app.errors import Conflict, Invalid, NotFound
from app.ids import new_id

#: Members can see the commitment for so long before the first draw.
NOTICE = timedelta(minutes=1)
#: Longer than a draw that had begun in time can be on its way.
SETTLE = timedelta(minutes=1)


class RoundTimes(Invalid):
    """Data: `reason`, what is wrong with when the round is to be."""

    code = "lottery_round_times"


class RoundsUsedUp(Conflict):
    """The lottery has had as many rounds as it was allowed. Data: `limit`."""

    code = "lottery_rounds_used_up"


@dataclass(frozen=True, kw_only=True)
class Round:
    """`seed` is hex, None until it is told. `won`: how many of a prize with stock, by its number."""

    id: str
    lottery_id: str
    round_no: int
    terms: Lottery
    commitment: str
    committed_at: datetime
    starts_at: datetime
    ends_at: datetime
    seed: str | None
    revealed_at: datetime | None
    won: dict[int, int]

    @property
    def weights(self) -> list[int]:
        return [prize.weight for prize in self.terms.prizes]


def open_round(
    *,
    lottery_id: str,
    starts_at: datetime,
    ends_at: datetime,
    vault: SeedVault,
    actor: audit.Actor,
    now: datetime,
) -> Round:
    """Announce a round by the terms as they stand: from now on neither they nor the seed can be changed.

    Raises `NotFound`, `ActivityNotOpen` for a lottery that is not live, `RoundTimes`, `RoundsUsedUp`.
    """
    seed = secrets.token_bytes(SEED_BYTES)
    with transaction() as session:
        session.execute(select(ActivityRow.id).where(ActivityRow.id == lottery_id).with_for_update())
        found = one(session, lottery_id)
        terms = lottery(found.definition)
        if found.state != "live":
            raise ActivityNotOpen
        _check_times(session, lottery_id, starts_at, ends_at, found.ends_at, now)
        number = session.execute(_NEXT_NO, {"id": lottery_id}).scalar_one()
        if number > terms.most_rounds:
            raise RoundsUsedUp(limit=terms.most_rounds)
        round_id = new_id(now)
        session.execute(
            into(LotteryRound),
            {
                "id": round_id,
                "activity_id": lottery_id,
                "activity_version": found.version,
                "round_no": number,
                "most_rounds": terms.most_rounds,
                "terms": msgspec.to_builtins(terms),
                "commitment": commitment_of(seed),
                "committed_at": now,
                "starts_at": starts_at,
                "ends_at": ends_at,
            },
        )
        session.execute(
            into(LotterySeed),
            {
                "round_id": round_id,
                "sealed": vault.seal(seed, round_id),
            },
        )
        if stock := _stock(round_id, terms):
            session.execute(into(LotteryStock), stock)
        audit.record(session, actor, "lottery.round", "activity", lottery_id, now=now, round_id=round_id)
        return _one(session, round_id)


def lottery(definition: Definition) -> Lottery:
    """Raises `NotFound` for an activity of another kind."""
    if not isinstance(definition, Lottery):
        raise NotFound
    return definition


def reveal(*, vault: SeedVault, now: datetime) -> int:
    """Tell the seeds of rounds that are over; how many. As often as wanted, beside others."""
    with reading() as connection:
        over = connection.execute(_OVER, {"before": now - SETTLE}).all()
    told = 0
    for row in over:
        with transaction() as session:
            seed = vault.open(row.sealed, row.id)
            values = {"id": row.id, "seed": seed, "now": now}
            told += session.execute(_TELL, values).rowcount  # type: ignore[attr-defined]
    return told


def rounds_of(*, lottery_id: str, limit: int, before: int | None) -> list[Round]:
    """Newest first, those to come included: their commitments are published."""
    values = {"lottery_id": lottery_id, "before": before, "limit": limit}
    with reading() as connection:
        return [round_of(row) for row in connection.execute(_ROUNDS, values)]


def one_round(*, round_id: str) -> Round:
    """Raises `NotFound`."""
    with reading() as connection:
        return _one(connection, round_id)


COLUMNS = """
    r.id, r.activity_id AS lottery_id, r.round_no, r.terms, r.commitment, r.committed_at, r.starts_at, r.ends_at,
    encode(r.seed, 'hex') AS seed, r.revealed_at,
    (SELECT json_object_agg(s.prize_no, s.won) FROM lottery_stock s WHERE s.round_id = r.id) AS won
    FROM lottery_rounds r"""
_ONE = text(f"SELECT {COLUMNS} WHERE r.id = :id")
_ROUNDS = text(f"""
    SELECT {COLUMNS} WHERE r.activity_id = :lottery_id AND (CAST(:before AS integer) IS NULL OR r.round_no < :before)
    ORDER BY r.round_no DESC LIMIT :limit""")
_NEXT_NO = text("SELECT coalesce(max(round_no), 0) + 1 FROM lottery_rounds WHERE activity_id = :id")
_OVERLAPS = text("""
    SELECT EXISTS (SELECT FROM lottery_rounds
        WHERE activity_id = :id AND starts_at < :ends_at AND ends_at > :starts_at)""")
_OVER = text("""
    SELECT r.id, s.sealed FROM lottery_rounds r JOIN lottery_seeds s ON s.round_id = r.id
    WHERE r.revealed_at IS NULL AND r.ends_at <= :before ORDER BY r.id LIMIT 100""")
_TELL = text(
    "UPDATE lottery_rounds SET seed = :seed, revealed_at = :now WHERE id = :id AND revealed_at IS NULL"
)


def _one(connection: Connection | Session, round_id: str) -> Round:
    row = connection.execute(_ONE, {"id": round_id}).one_or_none()
    if row is None:
        raise NotFound
    return round_of(row)


def round_of(row: Any) -> Round:
    terms = lottery(definition_of("lottery", row.terms))
    won = {int(prize_no): won for prize_no, won in (row.won or {}).items()}
    return Round(**dict(row._mapping) | {"terms": terms, "won": won})


def _check_times(
    session: Session,
    lottery_id: str,
    starts_at: datetime,
    ends_at: datetime,
    last: datetime | None,
    now: datetime,
) -> None:
    if starts_at < now + NOTICE:
        raise RoundTimes(reason=f"starts_at: not before {int(NOTICE.total_seconds())} s from now")
    if ends_at <= starts_at or (last is not None and ends_at > last):
        raise RoundTimes(reason="ends_at: after starts_at, and not after the lottery ends")
    values = {"id": lottery_id, "starts_at": starts_at, "ends_at": ends_at}
    if session.execute(_OVERLAPS, values).scalar_one():
        raise RoundTimes(reason="another round is at that time")


def _stock(round_id: str, terms: Lottery) -> list[dict[str, Any]]:
    return [
        {"round_id": round_id, "prize_no": prize_no, "stock": prize.stock}
        for prize_no, prize in enumerate(terms.prizes, 1)
        if prize.stock is not None
    ]
