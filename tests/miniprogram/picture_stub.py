"""Pictures of items, coupons and events: one that is there, and one that is not."""

import io

from aiohttp import web
from PIL import Image, ImageDraw

THERE = "/api/v1/pictures/0f3c"
GONE = "/api/v1/pictures/gone"


def _drawn() -> bytes:
    """Twice as wide as high, so that a frame of another shape shows whether it is cut or pressed."""
    drawn = Image.new("RGB", (960, 480), "#d9a441")
    ImageDraw.Draw(drawn).ellipse((300, 60, 660, 420), fill="#0b6b43")
    file = io.BytesIO()
    drawn.save(file, "JPEG")
    return file.getvalue()


_JPEG = _drawn()


async def _picture(request: web.Request) -> web.Response:
    if request.path != THERE:
        raise web.HTTPNotFound
    return web.Response(body=_JPEG, content_type="image/jpeg")


def routes() -> list[web.RouteDef]:
    return [web.get("/api/v1/pictures/{id}", _picture)]
