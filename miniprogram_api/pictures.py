"""Pictures of what members can get."""

from flask import Response, request

from app import pictures
from web.api import Blueprint
from web.guards import opened
from web.pictures import PREFIX

blueprint = Blueprint("member_pictures", __name__, url_prefix=PREFIX, description="Pictures")
opened(blueprint, "an `<image>` sends no token, and what is offered to members is no secret")

_A_YEAR_S = 365 * 24 * 3600


@blueprint.get("/<string:picture_id>")
@blueprint.doc(
    responses={
        "200": {
            "description": "A JPEG",
            "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
)
def show(picture_id: str) -> Response:
    """The JPEG. What an id stands for never changes: it may be kept for a year."""
    response = Response(pictures.content(picture_id=picture_id), content_type="image/jpeg")
    response.headers["Cache-Control"] = f"public, max-age={_A_YEAR_S}, immutable"
    response.set_etag(picture_id)
    response.make_conditional(request)
    return response
