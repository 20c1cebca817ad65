"""A draw: paid for, drawn by the round's seed, written down and given, in one transaction.

Draws are numbered for each member by itself, so that nobody waits for anybody else's: a number for the whole round
would be a row that each draw holds until it is committed. Only who wins a prize with
stock waits for the others who win the same, at the very end.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import idempotency
from app.clock import HOME_ZONE, business_date
from app.db import into, transaction
from app.engagement import chances
from app.engagement.activity import Activity, ActivityNotOpen, opened
from app.engagement.definitions import Lottery, Prize
from app.engagement.grant import NOT_TO_BE_HAD, NOTHING, Granted, grant
from app.engagement.lottery_fair import number_of, player_of, prize_of
from app.engagement.lottery_models import LotteryDraw
from app.engagement.lottery_rounds import COLUMNS, Round, round_of
from app.engagement.lottery_seed import SeedVault
from app.errors import Conflict, Invalid
from app.ids import new_id
from app.ledger.post import POINTS, Cause, Posting, lock_accounts, post

Payment = Literal["points", "chance"]
Instead = Literal["used_up", "not_issued"]


class DrawLimitReached(Conflict):
    """The member has drawn as often as they may today. Data: `limit`."""

    code = "draw_limit_reached"


class NotForPoints(Invalid):
    """This lottery is played for chances only."""

    code = "lottery_not_for_points"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Who draws, what they pay with, and what they throw in themselves."""

    member_id: int
    lottery_id: str
    payment: Payment
    client_seed: str


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """`given` differs from `drawn` where that prize was used up or could not be handed out: `instead` says which."""

    draw_id: str
    round_id: str
    draw_no: int
    player: str
    client_seed: str
    number: int
    drawn: int
    given: int
    instead: Instead | None
    name_zh: str
    name_en: str
    points: int
    coupons: int
    chances: int
    cost_points: int
    draws_left_today: int
    chances_left: int


def draw(*, wish: Wish, vault: SeedVault, request: idempotency.Request, now: datetime) -> Drawn:
    """Draw once; the same key is the same draw.

    Raises `NotFound`, `ActivityNotOpen`, also between rounds, `DrawLimitReached`, `NoChances`, `NotForPoints`,
    `NotEnough`, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Drawn)
        if former is not None:
            return former
        drawn = _draw(session, wish, vault, now)
        idempotency.remember(session, request, drawn, now)
        return drawn


# Shared with other draws, but not with whoever tells the seed: after that nobody draws.
_ROUND = text(f"""
    SELECT {COLUMNS} WHERE r.activity_id = :lottery_id AND r.starts_at <= :now AND r.ends_at > :now
        AND r.revealed_at IS NULL FOR SHARE OF r""")
_SEED = text("SELECT sealed FROM lottery_seeds WHERE round_id = :round_id")
_BEFORE = text("""
    SELECT count(*) FILTER (WHERE d.round_id = :round_id) AS of_round,
        count(*) FILTER (WHERE d.round_id = :round_id AND d.drawn_on = :day) AS of_day,
        count(*) FILTER (WHERE d.drawn_on = :day) AS today
    FROM lottery_rounds r JOIN lottery_draws d ON d.round_id = r.id AND d.member_id = :member_id
    WHERE r.activity_id = :lottery_id""")
_WIN = text("""
    UPDATE lottery_stock SET won = won + 1 WHERE round_id = :round_id AND prize_no = :prize_no AND won < stock
    RETURNING won""")


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What came of it. Of a prize with stock, `win_no` is which one it was."""

    prize_no: int
    granted: Granted
    coupons: int = 0
    instead: Instead | None = None
    win_no: int | None = None


def _draw(session: Session, wish: Wish, vault: SeedVault, now: datetime) -> Drawn:
    activity, _, member = opened(session, wish.lottery_id, Lottery, wish.member_id, now)
    chances.take_place(session, activity.id, member.id)
    held = _round(session, activity.id, now)
    day, draw_id = business_date(now, HOME_ZONE), new_id(now)
    place = _place(session, held, activity.id, member.id, day)
    player = player_of(held.id, member.public_id)
    number = number_of(
        _seed(session, held, vault),
        round_id=held.id,
        draw_no=place.draw_no,
        player=player,
        client_seed=wish.client_seed,
        weights=held.weights,
    )
    cost = _pay(session, wish, held.terms, draw_id, day, now)
    drawn = prize_of(number, held.weights)
    given = _give(session, activity, held, drawn, draw_id, member.id, now)
    values: dict[str, Any] = {
        "round_id": held.id,
        "draw_no": place.draw_no,
        "player": player,
        "client_seed": wish.client_seed,
        "number": number,
        "drawn": drawn,
        "given": given.prize_no,
        "instead": given.instead,
        "cost_points": cost,
    }
    session.execute(
        into(LotteryDraw),
        {
            "id": draw_id,
            "member_id": member.id,
            "win_no": given.win_no,
            "grant_id": given.granted.grant_id,
            "drawn_at": now,
            "drawn_on": day,
            "nth_of_day": place.nth_of_day,
            "most_a_day": held.terms.draws_a_day,
            **values,
        },
    )
    prize = held.terms.prizes[given.prize_no - 1]
    return Drawn(
        draw_id=draw_id,
        name_zh=prize.name_zh,
        name_en=prize.name_en,
        points=given.granted.points,
        coupons=given.coupons,
        chances=given.granted.chances,
        draws_left_today=place.left,
        chances_left=chances.take_place(session, activity.id, member.id),
        **values,
    )


def _round(session: Session, lottery_id: str, now: datetime) -> Round:
    row = session.execute(_ROUND, {"lottery_id": lottery_id, "now": now}).one_or_none()
    if row is None:
        raise ActivityNotOpen
    return round_of(row)


def _seed(session: Session, held: Round, vault: SeedVault) -> bytes:
    return vault.open(session.execute(_SEED, {"round_id": held.id}).scalar_one(), held.id)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Which draw of the member's in this round it is, which of the day, and how many are left of the day."""

    draw_no: int
    nth_of_day: int
    left: int


def _place(session: Session, held: Round, lottery_id: str, member_id: int, day: date) -> _Place:
    """Raises `DrawLimitReached`. The limit is for all rounds of a day together; the schema keeps it for each round."""
    values = {"round_id": held.id, "member_id": member_id, "day": day, "lottery_id": lottery_id}
    before = session.execute(_BEFORE, values).one()
    left = held.terms.draws_a_day - before.today - 1
    if left < 0:
        raise DrawLimitReached(limit=held.terms.draws_a_day)
    return _Place(draw_no=before.of_round + 1, nth_of_day=before.of_day + 1, left=left)


def _pay(session: Session, wish: Wish, terms: Lottery, draw_id: str, day: date, now: datetime) -> int:
    """Take a chance or points; how many points it cost. The accounts are locked before anything in short supply."""
    if wish.payment == "chance":
        chances.use(session, wish.lottery_id, wish.member_id, draw_id, now)
        lock_accounts(session, wish.member_id)
        return 0
    if terms.cost_points is None:
        raise NotForPoints
    lock_accounts(session, wish.member_id)
    cause = Cause(
        kind="lottery",
        source_type="draw",
        source_id=draw_id,
        occurred_at=now,
        business_date=day,
    )
    debit = Posting(member_id=wish.member_id, unit=POINTS, amount=-terms.cost_points, house="points_played")
    post(session, cause, [debit])
    return terms.cost_points


def _give(
    session: Session,
    activity: Activity,
    held: Round,
    drawn: int,
    draw_id: str,
    member_id: int,
    now: datetime,
) -> _Given:
    """The prize that was drawn, or the one that is never used up."""
    instead: Instead
    try:
        with session.begin_nested():
            prize = held.terms.prizes[drawn - 1]
            win_no = _take_one(session, held, drawn, prize)
            granted = _grant(session, activity, prize, draw_id, member_id, now)
            return _Given(prize_no=drawn, granted=granted, coupons=prize.reward.coupons, win_no=win_no)
    except _UsedUp:
        instead = "used_up"
    except NOT_TO_BE_HAD:
        instead = "not_issued"
    fallback = held.terms.prizes[held.terms.fallback - 1]
    granted = _grant(session, activity, fallback, draw_id, member_id, now)
    return _Given(prize_no=held.terms.fallback, granted=granted, instead=instead)


class _UsedUp(Exception):
    """Nobody outside hears of it."""


def _take_one(session: Session, held: Round, prize_no: int, prize: Prize) -> int | None:
    if prize.stock is None:
        return None
    won = session.execute(_WIN, {"round_id": held.id, "prize_no": prize_no}).scalar_one_or_none()
    if won is None:
        raise _UsedUp
    return int(won)


def _grant(
    session: Session, activity: Activity, prize: Prize, draw_id: str, member_id: int, now: datetime
) -> Granted:
    if prize.reward.is_nothing:
        return NOTHING
    return grant(session, activity, prize.reward, member_id=member_id, source=draw_id, now=now)
