"""The main job over HTTP: a code is scanned, a sale is made, the member sees the points."""

from tests.shop import Shop


def test_a_member_earns_points_for_a_sale_and_sees_them(shop: Shop) -> None:
    phone = shop.member("张三丰")
    code = phone.post("/me/code", json={}).json["code"]

    scanned = shop.till.scan(code)
    assert scanned.status_code == 201
    assert scanned.json["member"]["name"] == "张**"
    assert scanned.json["member"]["tier"] == {"code": "normal", "name": "普通会员"}

    sale = shop.till.sell(scanned.json["ticket"], 12_345, receipt_no="R-1")
    assert sale.status_code == 201
    assert sale.json["points_earned"] == 123
    assert sale.json["points_after"] == 123

    assert phone.get("/me/points").json["points"] == 123
    [entry] = phone.get("/me/points/entries").json["items"]
    assert entry["text"] == "消费积分"
    assert entry["store"] == "门店 S001"
    [purchase] = phone.get("/me/sales").json["items"]
    assert purchase["receipt_no"] == "R-1"
    shown = shop.till.get(f"/sales/{sale.json['id']}")
    assert shown.json["amount_fen"] == 12_345
