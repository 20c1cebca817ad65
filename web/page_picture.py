"""A mini-program code as an answer."""

from typing import Any

from flask import Response

from app.identity import page_picture
from web.parts import parts

_PICTURE = {"schema": {"type": "string"}}


def documented(what: str) -> dict[str, Any]:
    """The `responses` of a route that answers one."""
    return {
        "200": {"description": what, "content": {"image/png": _PICTURE, "image/jpeg": _PICTURE}},
    }


def answer_page_picture(page: str, scene: str) -> Response:
    """Whoever asked keeps it: WeChat draws so many for everybody together. Raises as `page_picture.draw`."""
    here = parts()
    drawn = page_picture.draw(
        page=page, scene=scene, client=here.wechat, state=here.settings.wechat_page_state
    )
    kind = "image/png" if drawn.startswith(b"\x89PNG") else "image/jpeg"
    return Response(drawn, content_type=kind, headers={"Cache-Control": "no-store"})
