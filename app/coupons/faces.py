"""The faces of coupons as every process has them at hand: they never change, and there are few."""

from collections.abc import Collection, Mapping

from app.coupons.face import Face, face_of
from app.db import ask
from app.points.at_hand import AtHand, Connection

#: For a statement that looks at something else in the same trip: which faces there are (app/points/loaded.py).
STAMP = "(SELECT coalesce(max(id), 0) FROM coupon_faces)"
_FACES = "SELECT id, face FROM coupon_faces WHERE id <= %(stamp)s"


def faces_at(connection: Connection, stamp: int) -> Mapping[int, Face]:
    """The faces of that stamp, by id; one statement, and none if they are at hand."""
    return _faces.at(connection, stamp)


_THESE = "SELECT id, face FROM coupon_faces WHERE id = ANY(%(ids)s)"


def faces_of(connection: Connection, stamp: int, needed: Collection[int]) -> Mapping[int, Face]:
    """As `faces_at`, and certainly these: of two made at once the one with the larger id may be there first."""
    faces = faces_at(connection, stamp)
    missing = [one for one in needed if one not in faces]
    if not missing:
        return faces
    late = {row.id: face_of(row.face) for row in ask(connection, _THESE, {"ids": missing})}
    return {**faces, **late}


def _read(connection: Connection, stamp: int) -> Mapping[int, Face]:
    return {row.id: face_of(row.face) for row in ask(connection, _FACES, {"stamp": stamp})}


_faces = AtHand(_read)
