"""A lottery as members see it, their own draws, and the list of a round for whoever checks it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.clock import HOME_ZONE, business_date
from app.db import reading
from app.engagement.activity import Activity, is_for, one, open_now, participant
from app.engagement.definitions import Lottery
from app.engagement.lottery_draw import Instead
from app.engagement.lottery_rounds import COLUMNS, Round, lottery, round_of
from app.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class ShownLottery:
    """`round` is the one that is on, else the next, else the last; `terms` are the round's. `for_me`: whether this
    member may take part."""

    id: str
    name_zh: str
    name_en: str
    terms: Lottery
    round: Round | None
    for_me: bool
    chances_left: int
    draws_left_today: int


@dataclass(frozen=True, kw_only=True)
class OwnDraw:
    id: str
    round_id: str
    round_no: int
    draw_no: int
    player: str
    client_seed: str
    number: int
    drawn: int
    given: int
    instead: Instead | None
    name_zh: str
    name_en: str
    cost_points: int
    drawn_at: datetime


@dataclass(frozen=True, kw_only=True)
class PublicDraw:
    """What anybody needs to work it out again; nothing that names a member."""

    id: str
    player: str
    draw_no: int
    client_seed: str
    number: int
    drawn: int
    given: int
    instead: Instead | None


def lotteries(*, member_id: int, limit: int, after: str | None, now: datetime) -> list[ShownLottery]:
    """Those that are on, oldest first. Raises `NotFound`."""
    with reading() as connection:
        found = open_now(connection, "lottery", now, after=after or "", limit=limit)
        return [_shown(connection, activity, member_id, now) for activity in found]


def one_lottery(*, lottery_id: str, member_id: int, now: datetime) -> ShownLottery:
    """Also one that is over, for its rounds can be checked for ever. Raises `NotFound`."""
    with reading() as connection:
        activity = one(connection, lottery_id)
        if activity.state == "draft":
            raise NotFound
        return _shown(connection, activity, member_id, now)


_ROUND = text(f"""
    SELECT {COLUMNS} WHERE r.activity_id = :id
    ORDER BY r.ends_at > :now DESC, CASE WHEN r.ends_at > :now THEN r.starts_at END, r.starts_at DESC LIMIT 1""")
_MINE = text("""
    SELECT coalesce((SELECT chances_given - chances_used FROM activity_members
            WHERE activity_id = :id AND member_id = :member_id), 0) AS chances,
        (SELECT count(*) FROM lottery_draws d JOIN lottery_rounds r ON r.id = d.round_id
            WHERE r.activity_id = :id AND d.member_id = :member_id AND d.drawn_on = :day) AS today""")


def _shown(connection: Connection, activity: Activity, member_id: int, now: datetime) -> ShownLottery:
    row = connection.execute(_ROUND, {"id": activity.id, "now": now}).one_or_none()
    held = None if row is None else round_of(row)
    terms = lottery(activity.definition) if held is None else held.terms
    values = {"id": activity.id, "member_id": member_id, "day": business_date(now, HOME_ZONE)}
    mine = connection.execute(_MINE, values).one()
    return ShownLottery(
        id=activity.id,
        name_zh=activity.name_zh,
        name_en=activity.name_en,
        terms=terms,
        round=held,
        for_me=activity.is_open(now) and is_for(activity, participant(connection, member_id), now),
        chances_left=mine.chances,
        draws_left_today=max(0, terms.draws_a_day - mine.today),
    )


_OWN = text("""
    SELECT d.id, d.round_id, r.round_no, d.draw_no, d.player, d.client_seed, d.number, d.drawn, d.given, d.instead,
        r.terms -> 'prizes' -> (d.given - 1) ->> 'name_zh' AS name_zh,
        r.terms -> 'prizes' -> (d.given - 1) ->> 'name_en' AS name_en, d.cost_points, d.drawn_at
    FROM lottery_draws d JOIN lottery_rounds r ON r.id = d.round_id
    WHERE d.member_id = :member_id AND r.activity_id = :lottery_id
        AND (CAST(:before AS varchar) IS NULL OR d.id < :before)
    ORDER BY d.id DESC LIMIT :limit""")


def own_draws(*, member_id: int, lottery_id: str, limit: int, before: str | None) -> list[OwnDraw]:
    """The member's draws, newest first."""
    values = {"member_id": member_id, "lottery_id": lottery_id, "limit": limit, "before": before}
    with reading() as connection:
        return [OwnDraw(**row._mapping) for row in connection.execute(_OWN, values)]


_PUBLIC = text("""
    SELECT id, player, draw_no, client_seed, number, drawn, given, instead FROM lottery_draws
    WHERE round_id = :round_id AND id > :after ORDER BY id LIMIT :limit""")


def round_draws(*, round_id: str, limit: int, after: str | None) -> list[PublicDraw]:
    """All draws of a round, oldest first."""
    values = {"round_id": round_id, "limit": limit, "after": after or ""}
    with reading() as connection:
        return [PublicDraw(**row._mapping) for row in connection.execute(_PUBLIC, values)]
