"""The picture by which friends are invited: WeChat draws it, one for each member."""

from app.engagement.invites import PAGE
from app.errors import Unavailable
from app.identity.platforms.wechat_mini import in_our_words
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat import WechatClient
from app.providers.wechat.client import State


class InvitePictureNotOffered(Unavailable):
    """No chat app that draws such pictures is set up."""

    code = "invite_picture_not_offered"


def draw(*, scene: str, client: WechatClient | None, state: State) -> bytes:
    """PNG or JPEG.

    Raises `InvitePictureNotOffered`, `PlatformUnavailable`, `PlatformMisconfigured`, `TooMany`, `Busy`.
    """
    if client is None:
        raise InvitePictureNotOffered
    try:
        with client.places.one():
            return client.page_picture(scene, PAGE, state)
    except (ProviderRefused, ProviderUnavailable) as failure:
        raise in_our_words(failure) from failure
