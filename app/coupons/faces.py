"""The faces of coupons as every process has them at hand: they never change, and there are few."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Engine

from app.coupons.face import Face, face_of
from app.db import ask, engine
from app.points.at_hand import AtHand, Connection

#: For a statement that looks at something else in the same trip: which faces there are (app/points/loaded.py).
STAMP = "(SELECT coalesce(max(id), 0) FROM coupon_faces)"
_FACES = "SELECT id, face FROM coupon_faces WHERE id <= %(stamp)s"


def faces_at(connection: Connection, stamp: int) -> Mapping[int, Face]:
    """The faces of that stamp, by id; one statement, and none if they are at hand."""
    return _faces.at(connection, stamp)


def _read(connection: Connection, stamp: int) -> Mapping[int, Face]:
    return {row.id: face_of(row.face) for row in ask(connection, _FACES, {"stamp": stamp})}


_faces = AtHand(_read)


_THESE = "SELECT id, face FROM coupon_faces WHERE id = ANY(%(ids)s)"
#: Of which database, and those met so far.
_met: tuple[Engine | None, dict[int, Face]] = (None, {})


def these_faces(connection: Connection, ids: Iterable[int]) -> Mapping[int, Face]:
    """At least the faces with these ids; one statement, and none if they are at hand.

    For whoever knows the ids already: it needs no stamp, and cannot miss one that was committed after a later one.
    """
    global _met
    of, known = _met
    if of is not engine():
        known = {}
        _met = engine(), known
    missing = [face_id for face_id in set(ids) if face_id not in known]
    if missing:
        known.update({row.id: face_of(row.face) for row in ask(connection, _THESE, {"ids": missing})})
    return known
