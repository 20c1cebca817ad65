"""The member code over HTTP: what is asked, how often, and that it stands nowhere but in the answer."""

from datetime import datetime

from miniprogram_api.codes import PER_MEMBER
from tests.shop import Shop

SVG, PNG = b"<svg", b"\x89PNG\r\n\x1a\n"


def test_the_code_comes_with_its_times(shop: Shop) -> None:
    answer = shop.member().post("/me/code", json={})

    assert set(answer.json) == {"code", "server_time", "valid_until", "refresh_in"}
    assert len(answer.json["code"]) == 20
    assert answer.json["code"].isdigit()
    assert 0 < answer.json["refresh_in"] <= 30
    assert datetime.fromisoformat(answer.json["valid_until"]) > datetime.fromisoformat(
        answer.json["server_time"]
    )
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_renewed_code_is_another_one_and_a_second_renewal_has_to_wait(shop: Shop) -> None:
    phone = shop.member()
    first = phone.post("/me/code", json={}).json["code"]
    second = phone.post("/me/code", json={"renew": True})

    assert second.json["code"] != first
    answers = [phone.post("/me/code", json={"renew": True}) for _ in range(2)]  # a step may end before either
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json["code"] == "codes_used_up"
    assert 0 < refused.json["retry_after_s"] <= 31


def test_a_pack_holds_1_to_20_codes(shop: Shop) -> None:
    phone = shop.member()
    for count in (1, 20):
        codes = phone.post("/me/code/pack", json={"count": count}).json["codes"]
        assert len({code["code"] for code in codes}) == count
        assert [code["valid_from"] for code in codes] == sorted(code["valid_from"] for code in codes)

    for count in (0, 21, -1, "5", 5.5, True, None):
        assert phone.post("/me/code/pack", json={"count": count}).status_code == 422


def test_pictures_are_drawn_and_stored_by_nobody(shop: Shop) -> None:
    phone = shop.member()
    for symbology in ("qr", "code128"):
        for form, kind, begins in (("svg", "image/svg+xml", SVG), ("png", "image/png", PNG)):
            answer = phone.get(f"/me/code/image?symbology={symbology}&format={form}")
            assert answer.status_code == 200
            assert answer.content_type.startswith(kind)
            assert begins in answer.data[:200]
            assert answer.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_no_other_picture_is_drawn(shop: Shop) -> None:
    phone = shop.member()
    for query in ("symbology=aztec", "symbology=", "format=gif", "format=SVG"):
        assert phone.get(f"/me/code/image?{query}").status_code == 422


def test_one_member_may_not_ask_without_end_and_another_is_not_held_up(shop: Shop) -> None:
    phone, other = shop.member(), shop.member()
    answers = [phone.post("/me/code", json={}) for _ in range(PER_MEMBER.amount - 2)]
    answers += [
        phone.post("/me/code/pack", json={}),
        phone.get("/me/code/image"),
        phone.post("/me/code", json={}),
    ]

    assert [a.status_code for a in answers] == [200] * PER_MEMBER.amount + [429]
    assert other.post("/me/code", json={}).status_code == 200


def test_two_members_hold_different_codes(shop: Shop) -> None:
    codes = [shop.member().post("/me/code/pack", json={}).json["codes"] for _ in range(2)]

    assert not {c["code"] for c in codes[0]} & {c["code"] for c in codes[1]}
