"""Subscribe templates in the back office: who registers what, versions, and what a key may be."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from app.staff.roles import Grant
from tests.actors import staff_token
from tests.conftest import rows
from tests.shop import Shop

SALE = {
    "name": "活动通知",
    "category": "marketing",
    "fields": [{"key": "thing1", "label": "活动"}, {"key": "time2", "label": "时间"}],
    "page": "pages/coupon_centre/index?from=sale",
    "asked_when": "coupons",
    "enough": 2,
}


class Office:
    def __init__(self, shop: Shop, role: str) -> None:
        self._client = shop.app.test_client()
        self._headers = {"Authorization": f"Bearer {staff_token(shop.person(role, Grant(role, None)).id)}"}

    def ask(self, method: str, path: str = "", **body: Any) -> Any:
        address = f"/office/v1/subscribe-templates{path}"
        return self._client.open(address, method=method, headers=self._headers, json=body or None)

    def add(self, **changed: Any) -> Any:
        return self.ask("post", **{"template_id": "sale-template", **SALE, **changed})


@pytest.fixture
def marketer(shop: Shop) -> Office:
    return Office(shop, "marketer")


def test_a_marketer_registers_changes_and_retires_a_template(marketer: Office, engine: Engine) -> None:
    made = marketer.add()
    assert made.status_code == 201
    number = made.json.pop("template_no")
    wanted = {**SALE, "template_id": "sale-template", "long_term": False, "active": True, "version": 1}
    assert made.json == {"template_no": number, **wanted}

    changed = marketer.ask("put", f"/{number}", version=1, **{**SALE, "active": False, "name": "周末活动"})
    assert (changed.status_code, changed.json["active"], changed.json["version"]) == (200, False, 2)
    assert marketer.ask("get").json == {"items": [changed.json], "next_cursor": None}

    late = marketer.ask("put", f"/{number}", version=1, **SALE)
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 2)
    kept = rows(
        engine,
        "SELECT action, data->>'name', data->>'active' FROM audit_log"
        " WHERE object_type = 'subscribe_template' ORDER BY id",
    )
    assert kept == [
        ("subscribe_template.add", "活动通知", "true"),
        ("subscribe_template.change", "周末活动", "false"),
    ]


def test_what_calls_itself_a_service_takes_the_right_to_manage_rules(shop: Shop, marketer: Office) -> None:
    """Else marketing would reach whoever refuses it, under another name."""
    refused = marketer.add(category="service")
    assert (refused.status_code, refused.json["right"]) == (403, "rules.manage")
    number = marketer.add().json["template_no"]
    disguised = marketer.ask("put", f"/{number}", version=1, **{**SALE, "category": "service"})
    assert disguised.status_code == 403

    manager = Office(shop, "manager")
    service = manager.add(template_id="service", category="service")
    assert service.status_code == 201
    taken_over = marketer.ask("put", f"/{service.json['template_no']}", version=1, **SALE)
    assert (taken_over.status_code, taken_over.json["right"]) == (403, "rules.manage")


def test_a_template_is_registered_once(marketer: Office) -> None:
    assert marketer.add().status_code == 201
    again = marketer.add(name="又一个")
    assert (again.status_code, again.json["code"]) == (409, "subscribe_template_taken")


def test_the_receipts_template_is_none_of_the_list(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    here = shop.app.extensions["parts"]
    with_receipts = replace(here.settings, wechat_receipt_template="receipt-template")
    monkeypatch.setitem(shop.app.extensions, "parts", replace(here, settings=with_receipts))
    refused = Office(shop, "admin").add(template_id="receipt-template")
    assert (refused.status_code, refused.json["code"]) == (409, "subscribe_template_taken")


def test_one_that_is_not_there_cannot_be_changed(marketer: Office) -> None:
    assert marketer.ask("put", "/77", version=1, **SALE).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fields", []),
        ("fields", [{"key": "enum1", "label": "x"}]),
        ("fields", [{"key": "thing", "label": "x"}]),
        ("fields", [{"key": "thing1\n", "label": "x"}]),
        ("fields", [{"key": "thing1", "label": "x"}, {"key": "thing1", "label": "y"}]),
        ("fields", [{"key": f"thing{n}", "label": "x"} for n in range(1, 7)]),
        ("category", "receipt"),
        ("asked_when", "always"),
        ("page", "https://example.com"),
        ("page", "pages/" + "x" * 195),
        ("enough", 0),
        ("enough", 21),
        ("long_term", 1),
        ("template_id", "x" * 65),
        ("template_id", "模板"),
    ],
)
def test_what_wechat_would_not_take_is_refused(marketer: Office, field: str, value: Any) -> None:
    refused = marketer.add(**{field: value})
    assert (refused.status_code, refused.json["code"]) == (422, "validation_failed")
    assert list(refused.json["fields"]["json"]) == [field]
