"""What marketers hand out: the link by which a template's coupons are claimed, and its mini-program code."""

import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image

from app import clock
from app.providers.wechat.errors import PAGE_PICTURE
from office_api.coupon_templates import PICTURES
from tests.actors import Actors
from tests.chat_apps import Sandbox
from tests.coupons import live_template
from tests.office_api.test_coupon_template_routes import PATH, body
from tests.office_api.test_earn_rule_routes import Rules

KEY = "K-_" + "0" * 29
PAGE = "pages/coupon_centre/index"
MINIPROGRAM = Path(__file__).parents[2] / "miniprogram"


def picture(app: Flask, actors: Actors, template_id: str, who: str = "marketer") -> Any:
    place = f"/office/v1{PATH}/{template_id}/picture"
    return app.test_client().get(place, headers=actors.headers(who))


def test_a_template_tells_what_to_print_while_it_has_a_link(actors: Actors) -> None:
    office = Rules(actors, "marketer")
    made = office.post(PATH, body(terms={"by_link": True})).json
    key = made["claim_key"]
    assert re.fullmatch("[0-9A-Za-z_-]{32}", key)
    assert made["claim_link"] == {"page": PAGE, "scene": key, "path": f"/{PAGE}?key={key}"}
    assert PAGE in json.loads((MINIPROGRAM / "app.json").read_text())["pages"]
    assert office.get(f"{PATH}/{made['id']}").json["claim_link"] == made["claim_link"]
    assert office.get(PATH).json["items"][0]["claim_link"] == made["claim_link"]
    assert office.put(f"{PATH}/{made['id']}", body(version=1)).json["claim_link"] is None


@pytest.mark.parametrize("state", ["draft", "live", "stopped"])
def test_the_picture_opens_the_page_that_claims(wechat_app: Flask, actors: Actors, state: str) -> None:
    template = live_template(clock.now(), terms={"claim_key": KEY, "state": state})
    drawn = picture(wechat_app, actors, template)
    assert (drawn.status_code, drawn.content_type) == (200, "image/png")
    assert drawn.headers["Cache-Control"] == "no-store"
    [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn.data)).convert("L"))
    assert found.text == f"{PAGE}?scene={KEY}"


def test_only_who_may_read_the_key_gets_the_picture(wechat_app: Flask, actors: Actors) -> None:
    there = live_template(
        clock.now(), terms={"claim_key": KEY}, conditions={"stores": [actors.other_store.id]}
    )
    assert picture(wechat_app, actors, there, "admin").status_code == 200
    assert picture(wechat_app, actors, there, "clerk").json["code"] == "forbidden"
    for who, template in (("marketer", there), ("manager", there), ("admin", "0" * 26)):
        refused = picture(wechat_app, actors, template, who)
        assert (refused.status_code, refused.json["code"]) == (404, "not_found")


def test_without_a_link_there_is_nothing_to_draw(wechat_app: Flask, actors: Actors, sandbox: Sandbox) -> None:
    refused = picture(wechat_app, actors, live_template(clock.now(), terms={"in_centre": True}))
    assert (refused.status_code, refused.json["code"]) == (409, "coupon_has_no_link")
    assert refused.json["detail"].startswith("该优惠券未开启链接领取")
    assert sandbox.calls(PAGE_PICTURE) == 0


def test_what_wechat_says_and_how_often_it_is_asked(
    wechat_app: Flask, actors: Actors, sandbox: Sandbox
) -> None:
    template = live_template(clock.now(), terms={"claim_key": KEY})
    sandbox.fault(PAGE_PICTURE, "errcode", errcode=41030)
    assert picture(wechat_app, actors, template).json["code"] == "platform_misconfigured"
    sandbox.heal()
    asked = [picture(wechat_app, actors, template).status_code for _ in range(PICTURES.amount)]
    assert Counter(asked) == {200: PICTURES.amount - 1, 429: 1}
    assert picture(wechat_app, actors, template, "manager").status_code == 200


def test_without_wechat_there_is_no_picture(actors: Actors) -> None:
    refused = picture(actors.shop.app, actors, live_template(clock.now(), terms={"claim_key": KEY}))
    assert (refused.status_code, refused.json["code"]) == (503, "page_picture_not_offered")
