"""What a member needs to invite others: a code of their own, what it brings, and what became of whom they brought."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

from app.db import reading, transaction
from app.engagement.activity import open_now
from app.engagement.definitions import Referral
from app.engagement.reward import Reward
from app.errors import NotFound
from app.tiers.card import masked_name

#: Which page of the mini-program an invite opens.
PAGE = "pages/invite/index"
CODE_LENGTH = 10
#: No letter that is read as a digit; 50 bits, so that trying finds nobody.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: What a friend's referral is to the one who invited: why one does not count is for the office only.
#: `phone_missing`: they have bought enough in time, and it counts once they tell a number.
FriendState = Literal["pending", "phone_missing", "lapsed", "rewarded", "taken_back", "not_counted"]


@dataclass(frozen=True, kw_only=True)
class Invite:
    """`scene` is what a mini-program code carries. Friends that were invited in all, those who still may buy, those who
    brought a reward that stands; what the member was given for them, less what was taken back.

    `coupons` are the names of the templates in `terms`, (zh, en) by id; `places_left` how often it may still count.
    """

    activity_id: str
    name_zh: str
    name_en: str
    terms: Referral
    coupons: Mapping[str, tuple[str, str]]
    ends_at: datetime | None
    code: str
    scene: str
    invited: int
    pending: int
    rewarded: int
    places_left: int
    points_earned: int
    coupons_earned: int


@dataclass(frozen=True, kw_only=True)
class Friend:
    """`name` is masked, and empty for who told none or has left. `points` and `coupons` are what the inviter got and
    kept."""

    id: str
    name: str
    state: FriendState
    joined_at: datetime
    buy_until: datetime
    points: int
    coupons: int


def invite(*, member_id: int, now: datetime) -> Invite:
    """Of the oldest referral that is on. Raises `NotFound` while there is none."""
    with reading() as connection:
        activities = open_now(connection, "referral", now, limit=1)
        if not activities:
            raise NotFound
        terms = activities[0].definition
        assert isinstance(terms, Referral)
        names = coupon_names(connection, terms.rewards())
        asked = {"member_id": member_id, "activity_id": activities[0].id, "now": now}
        mine = connection.execute(_MINE, asked).one()
    code = mine.code or _new_code(member_id, now)
    return Invite(
        activity_id=activities[0].id,
        name_zh=activities[0].name_zh,
        name_en=activities[0].name_en,
        terms=terms,
        coupons=names,
        ends_at=activities[0].ends_at,
        code=code,
        scene=code,
        invited=mine.invited,
        pending=mine.pending,
        rewarded=mine.rewarded,
        places_left=max(0, terms.most - mine.counted),
        points_earned=mine.points,
        coupons_earned=mine.coupons,
    )


def own_code(*, member_id: int, now: datetime) -> str:
    """The member's code, drawn when it is first asked for."""
    with reading() as connection:
        code = connection.execute(_CODE, {"member_id": member_id}).scalar()
    return code or _new_code(member_id, now)


_CODE = text("SELECT code FROM invite_codes WHERE member_id = :member_id")
_DRAW = text("""
    INSERT INTO invite_codes (member_id, code, created_at) VALUES (:member_id, :code, :now) ON CONFLICT DO NOTHING""")
_STANDING = "FILTER (WHERE g.taken_back_at IS NULL)"
_MINE = text(f"""
    SELECT (SELECT code FROM invite_codes WHERE member_id = :member_id) AS code,
        count(*) AS invited, count(*) FILTER (WHERE r.state = 'pending' AND r.buy_until > :now) AS pending,
        count(*) FILTER (WHERE r.state = 'rewarded') AS rewarded,
        count(*) FILTER (WHERE r.nth IS NOT NULL AND r.activity_id = :activity_id) AS counted,
        coalesce(sum(g.points) {_STANDING}, 0)::bigint AS points,
        coalesce(sum(coalesce(g.coupons_kept, g.coupons)), 0)::bigint AS coupons
    FROM referrals r LEFT JOIN activity_grants g ON g.id = r.inviter_grant_id
    WHERE r.inviter_id = :member_id""")  # noqa: S608  # a constant of our own
_NAMES = text("""
    SELECT t.id, f.face ->> 'name_zh' AS zh, f.face ->> 'name_en' AS en FROM coupon_templates t
    JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version WHERE t.id = ANY(:ids)""")


def coupon_names(connection: Connection, rewards: Iterable[Reward]) -> dict[str, tuple[str, str]]:
    ids = sorted({reward.coupon_template for reward in rewards if reward.coupons})
    if not ids:
        return {}
    return {row.id: (row.zh, row.en) for row in connection.execute(_NAMES, {"ids": ids})}


def _new_code(member_id: int, now: datetime) -> str:
    """A taken one is drawn again; of two phones of one member the second finds the first one's."""
    while True:
        code = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))
        with transaction() as session:
            session.execute(_DRAW, {"member_id": member_id, "code": code, "now": now})
            if (mine := session.execute(_CODE, {"member_id": member_id}).scalar()) is not None:
                return str(mine)


_FRIENDS = text("""
    SELECT r.id, CASE m.status WHEN 'active' THEN m.name ELSE '' END AS name, r.joined_at, r.buy_until,
        CASE WHEN r.state = 'blocked' THEN 'not_counted' WHEN r.state <> 'pending' THEN r.state
            WHEN m.phone_index IS NULL AND a.definition @> '{"phone_needed": true}' AND EXISTS (SELECT FROM sales s
                WHERE s.member_id = m.id AND s.occurred_at >= r.joined_at AND s.occurred_at < r.buy_until
                    AND s.amount_fen - coalesce((SELECT sum(b.amount_fen) FROM refunds b WHERE b.sale_id = s.id), 0)
                        >= CAST(a.definition ->> 'at_least_fen' AS bigint)) THEN 'phone_missing'
            WHEN r.buy_until <= :now THEN 'lapsed' ELSE 'pending' END AS state,
        CASE WHEN g.taken_back_at IS NULL THEN coalesce(g.points, 0) ELSE 0 END AS points,
        coalesce(g.coupons_kept, g.coupons, 0) AS coupons
    FROM referrals r JOIN members m ON m.id = r.newcomer_id JOIN activities a ON a.id = r.activity_id
    LEFT JOIN activity_grants g ON g.id = r.inviter_grant_id
    WHERE r.inviter_id = :member_id AND (CAST(:before AS varchar) IS NULL OR r.id < :before)
    ORDER BY r.id DESC LIMIT :limit""")


def friends(*, member_id: int, limit: int, before: str | None, now: datetime) -> list[Friend]:
    """Whom the member brought, newest first."""
    asked = {"member_id": member_id, "limit": limit, "before": before, "now": now}
    with reading() as connection:
        rows = connection.execute(_FRIENDS, asked).all()
    return [Friend(**dict(row._mapping) | {"name": masked_name(row.name)}) for row in rows]
