"""Pictures of reward items, coupons and events: sent as files, named by their ids."""

from dataclasses import asdict
from typing import Any

from flask import Response, request
from marshmallow import fields

from app import clock, pictures
from app.pictures import FORMATS, MOST_BYTES, PictureMalformed
from app.staff.roles import MANAGE_ACTIVITIES
from app.throttle import Limit
from office_api.guard import STAFF, actor, me, my_stores, need, require_staff
from web.answers import answer, nothing
from web.api import Blueprint
from web.bodies import read_file
from web.guards import guarded
from web.parts import parts
from web.pictures import picture_url
from web.schemas import Strict

blueprint = Blueprint("pictures", __name__, url_prefix="/office/v1/pictures", description="Pictures")
upload_blueprint = Blueprint(
    "picture_uploads", __name__, url_prefix="/office/v1/pictures", description="Pictures"
)
upload_blueprint.takes_files = True
guarded(blueprint, require_staff)
guarded(upload_blueprint, require_staff)

#: Each is kept for good.
UPLOADS = Limit("picture_uploads", 60, 3600)
_TYPES = tuple(f"image/{one.lower()}" for one in FORMATS)


class PictureSchema(Strict):
    id = fields.String(required=True, metadata={"description": "for `picture_id`"})
    picture_url = fields.String(
        required=True, metadata={"description": "where anybody sees it: a path of this server"}
    )
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)


_FILE: dict[str, Any] = {
    "required": True,
    "content": {one: {"schema": {"type": "string", "format": "binary"}} for one in _TYPES},
}


@upload_blueprint.post("")
@upload_blueprint.response(201, PictureSchema())
@upload_blueprint.doc(security=STAFF, requestBody=_FILE)
def add() -> Response:
    """Send the file itself as the body: 2 MiB and 12.5 million pixels at most. The same again is the same picture.

    It is made a JPEG of 960 x 960 pixels at most, of which nothing is transparent and nothing tells where it was taken.
    """
    my_stores(MANAGE_ACTIVITIES)
    if request.mimetype not in _TYPES:
        raise PictureMalformed(reason="Content-Type: none of the kinds that are taken")
    parts().throttle.hit(UPLOADS, me().id)
    kept = pictures.add(content=read_file(MOST_BYTES), actor=actor(), now=clock.now())
    return answer(asdict(kept) | {"picture_url": picture_url(kept.id)}, 201)


@blueprint.delete("/<string:picture_id>")
@blueprint.response(204)
@blueprint.doc(security=STAFF)
def remove(picture_id: str) -> Response:
    """Nobody is shown it any more by this server; what has it goes on without."""
    need(MANAGE_ACTIVITIES, None)
    pictures.remove(picture_id=picture_id, actor=actor(), now=clock.now())
    return nothing()
