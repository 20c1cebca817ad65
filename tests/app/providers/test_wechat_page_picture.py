"""Pictures of a mini-program page: bytes where everything else is JSON."""

import json

import pytest
from scripted_wechat import TOKEN, Reply, html, says

from app.providers import BadAnswer
from app.providers.wechat import errors
from app.providers.wechat.answers import MAX_PICTURE_BYTES
from app.providers.wechat.errors import PAGE_PICTURE, STABLE_TOKEN

PAGE = "pages/invite/index"
JPEG = b"\xff\xd8\xff" + b"x" * 100_000


def test_a_picture_larger_than_any_json_comes_whole(client, wechat):
    fresh = says({"access_token": "another", "expires_in": 7200})
    wechat.on(STABLE_TOKEN, says({"access_token": TOKEN, "expires_in": 7200}), fresh)
    wechat.on(PAGE_PICTURE, says({"errcode": 42001, "errmsg": "access_token expired"}), Reply(JPEG))

    assert client.page_picture("7QK2M4XW9A", PAGE, "trial") == JPEG

    first, second = (request for request in wechat.requests if request.path == PAGE_PICTURE)
    assert [one.query["access_token"] for one in (first, second)] == [TOKEN, "another"]
    sent = {"scene": "7QK2M4XW9A", "page": PAGE, "env_version": "trial", "check_path": False}
    assert json.loads(second.body) == sent


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (says({"errcode": 41030, "errmsg": "invalid page"}), errors.PageInvalid),
        (says({"errcode": 0, "errmsg": "ok"}), BadAnswer),
        (Reply(b"GIF89a"), BadAnswer),
        (Reply(JPEG + b"x" * MAX_PICTURE_BYTES), BadAnswer),
        (html(502), errors.GatewayError),
    ],
)
def test_what_is_no_picture_is_sorted_as_ever(client, wechat, reply, failure):
    wechat.on(PAGE_PICTURE, reply)

    with pytest.raises(failure):
        client.page_picture("7QK2M4XW9A", PAGE)


def test_too_many_pictures_wait_for_the_minute_and_not_for_the_day(client, wechat):
    wechat.on(PAGE_PICTURE, says({"errcode": 45009, "errmsg": "reach max api minute limit"}))

    with pytest.raises(errors.QuotaExhausted) as caught:
        client.page_picture("7QK2M4XW9A", PAGE)
    assert caught.value.retry_after_s == 60


def test_a_scene_that_wechat_would_not_take_is_not_asked_for(client, wechat):
    for scene in ("", "x" * 33, "a b", "é", "a%"):
        with pytest.raises(ValueError, match="scene"):
            client.page_picture(scene, PAGE)
    assert wechat.count(PAGE_PICTURE) == 0
