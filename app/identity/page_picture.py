"""Mini-program codes: pictures that open a page of the mini-program. WeChat draws them."""

from app.errors import Unavailable
from app.identity.platforms.wechat_mini import in_our_words
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat import WechatClient
from app.providers.wechat.client import State


class PagePictureNotOffered(Unavailable):
    """No chat app that draws such pictures is set up."""

    code = "page_picture_not_offered"


def draw(*, page: str, scene: str, client: WechatClient | None, state: State) -> bytes:
    """PNG or JPEG. `page` is told `scene`, at most 32 of WeChat's characters.

    Raises `PagePictureNotOffered`, `PlatformUnavailable`, `PlatformMisconfigured`, `TooMany`, `Busy`.
    """
    if client is None:
        raise PagePictureNotOffered
    try:
        with client.places.one():
            return client.page_picture(scene, page, state)
    except (ProviderRefused, ProviderUnavailable) as failure:
        raise in_our_words(failure) from failure
