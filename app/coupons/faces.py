"""The faces of coupons as every process has them at hand: they never change, and there are few."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Engine

from app.coupons.face import Face, face_of
from app.db import ask, engine
from app.points.at_hand import Connection

#: The newest face there is, for whoever notes under which ones something was worked out.
STAMP = "(SELECT coalesce(max(id), 0) FROM coupon_faces)"
_THESE = "SELECT id, face FROM coupon_faces WHERE id = ANY(%(ids)s)"
#: Of which database, and those met so far.
_met: tuple[Engine | None, dict[int, Face]] = (None, {})


def these_faces(connection: Connection, ids: Iterable[int]) -> Mapping[int, Face]:
    """At least the faces with these ids; one statement, and none if they are at hand."""
    global _met
    of, known = _met
    if of is not engine():
        known = {}
        _met = engine(), known
    missing = [face_id for face_id in set(ids) if face_id not in known]
    if missing:
        known.update({row.id: face_of(row.face) for row in ask(connection, _THESE, {"ids": missing})})
    return known
