"""The benefits that a member's coupons are at a till, at a moment; where one cannot be used there, the reason."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.clock import zone
from app.coupons.face import Face
from app.db import ask
from app.discounts import reasons
from app.discounts.benefit import Benefit
from app.discounts.offered import REFUSALS
from app.points.at_hand import Connection
from app.points.fitting import MemberFacts, StoreFacts, unmet
from app.typed import read

#: How many coupons of a member a till looks at: those that end first.
MOST_HELD = 200
_PREFIX = "coupon:"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A coupon as its member has it at this moment."""

    coupon_id: str
    template_id: str
    face_id: int
    valid_from: datetime
    valid_until: datetime
    uses_left: int
    state: str = "held"

    @property
    def key(self) -> str:
        return key_of(self.coupon_id)

    def refusal(self, at: datetime) -> str:
        """Why it is not good at that moment, wherever and for whomever; empty if it is."""
        if self.state != "held":
            return reasons.USED if self.state == "used" else reasons.RECALLED
        if at < self.valid_from:
            return reasons.NOT_YET
        return reasons.ENDED if at >= self.valid_until else ""


def key_of(coupon_id: str) -> str:
    """Under which key of benefits a quote tells of it."""
    return f"{_PREFIX}{coupon_id}"


def ids_of(keys: Iterable[str]) -> list[str]:
    """Those of the keys that name coupons."""
    return [key.removeprefix(_PREFIX) for key in keys if key.startswith(_PREFIX)]


_COLUMNS = """json_build_object('coupon_id', c.id, 'template_id', c.template_id, 'face_id', c.face_id,
        'valid_from', c.valid_from, 'valid_until', c.valid_until, 'uses_left', c.uses + c.restored - c.used,
        'state', c.state)"""


def held_of(member: str) -> str:
    """For a statement that looks at something else in the same trip: the coupons of that column (value: `now`)."""
    return f"""(SELECT CAST(json_agg({_COLUMNS}) AS text) FROM (
        SELECT * FROM coupons WHERE member_id = {member} AND state = 'held' AND valid_until > %(now)s
        ORDER BY valid_until, id LIMIT {MOST_HELD}) c)"""  # noqa: S608  # names of our own


def held_in(found: str | None) -> list[Held]:
    """What `held_of` found."""
    return [] if found is None else read(found, list[Held])


_THESE = f"""SELECT CAST(json_agg({_COLUMNS}) AS text) AS held FROM coupons c
    WHERE c.member_id = %(member_id)s AND c.id = ANY(%(ids)s)"""  # noqa: S608  # names of our own


def these(connection: Connection, member_id: int, coupon_ids: Collection[str]) -> list[Held]:
    """The member's own among these, whatever has become of them."""
    [row] = ask(connection, _THESE, {"member_id": member_id, "ids": list(coupon_ids)})
    return held_in(row.held)


def benefits_of(
    held: Iterable[Held],
    faces: Mapping[int, Face],
    member: MemberFacts,
    store: StoreFacts,
    at: datetime,
    *,
    chosen: Collection[str] = (),
) -> list[Benefit]:
    """A benefit for each. Of one template's coupons one is offered for a bill: one that was `chosen` (keys), else the
    first to end of those that can be used. Who does not want that one wants none of its kind.
    """
    found: list[Benefit] = []
    taken: set[str] = set()
    for one in sorted(held, key=lambda one: (one.key not in chosen, one.valid_until, one.coupon_id)):
        benefit = _benefit(one, faces[one.face_id], refusal_of(one, faces[one.face_id], member, store, at))
        if not benefit.refusal:
            if one.template_id in taken:
                benefit = replace(benefit, refusal=reasons.ANOTHER_ALIKE)
            taken.add(one.template_id)
        found.append(benefit)
    return found


def refusal_of(one: Held, face: Face, member: MemberFacts, store: StoreFacts, at: datetime) -> str:
    """Why the coupon cannot be used here and now, whatever is bought; empty if it can."""
    if refusal := one.refusal(at):
        return refusal
    missing = unmet(face.conditions, member, store, at.astimezone(zone(store.time_zone)))
    return "" if missing is None else REFUSALS[missing]


def _benefit(one: Held, face: Face, refusal: str) -> Benefit:
    return Benefit(
        key=one.key,
        name_zh=face.name_zh,
        name_en=face.name_en,
        effect=face.effect,
        conditions=face.conditions,
        at_least_fen=face.at_least_fen,
        at_least_pieces=face.at_least_pieces,
        group=face.group,
        alone=face.alone,
        priority=face.priority,
        refusal=refusal,
        # A card was paid for, or costs its bearer so much: a use is not spent for less unless somebody says so. Of a
        # coupon for one bill it stands for the books alone, and its holder loses nothing by using it.
        worth_fen=face.use_value_fen if face.uses > 1 else 0,
    )


def row_of(held: Any) -> Held:
    """A row that has these columns under their own names, and `uses_left`."""
    return Held(
        coupon_id=held.id,
        template_id=held.template_id,
        face_id=held.face_id,
        valid_from=held.valid_from,
        valid_until=held.valid_until,
        uses_left=held.uses_left,
        state=held.state,
    )
