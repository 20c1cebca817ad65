"""POST /wxa/getwxacodeunlimit: a picture that opens a page of the mini-program."""

from __future__ import annotations

import io
import re
from typing import Any, Final

import qrcode
from qrcode.image.pure import PyPNGImage

from wechat_sandbox.errors import BAD_ARGUMENT, BAD_PAGE, BAD_SCENE, DAY_QUOTA, PlatformError
from wechat_sandbox.platform_call import Call
from wechat_sandbox.quotas import MINUTE
from wechat_sandbox.world import World

_SCENE: Final = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@._~-]{1,32}")
_VERSIONS: Final = ("release", "trial", "develop")


async def page_picture(call: Call) -> bytes:
    """A QR code of what the platform's round picture would hold: the page and its scene, which no browser opens."""
    world = call.world
    world.tokens.check(call.query.get("access_token", ""), call.now)
    body = call.body()
    limit = world.config.limits.page_pictures_per_minute
    if not world.quotas.take("page_pictures", limit, per=MINUTE, now=call.now):
        raise PlatformError(DAY_QUOTA)
    scene = body.get("scene")
    if not isinstance(scene, str) or not _SCENE.fullmatch(scene):
        raise PlatformError(BAD_SCENE)
    if body.get("env_version", "release") not in _VERSIONS:
        raise PlatformError(BAD_ARGUMENT)
    return _drawn(f"{_page(world, body)}?scene={scene}")


def _page(world: World, body: dict[str, Any]) -> str:
    """Without a leading slash and without a query, as the platform wants it."""
    page = body.get("page", "")
    if not isinstance(page, str) or page.startswith("/") or "?" in page:
        raise PlatformError(BAD_PAGE)
    if page and body.get("check_path", True) and world.config.pages and page not in world.config.pages:
        raise PlatformError(BAD_PAGE)
    return page


def _drawn(content: str) -> bytes:
    code = qrcode.QRCode(box_size=10, border=4, image_factory=PyPNGImage)
    code.add_data(content)
    picture = io.BytesIO()
    code.make_image().save(picture)
    return picture.getvalue()
