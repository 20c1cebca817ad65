"""The code a phone shows: which one, until when, what renewing does, and that its pictures can be read."""

import io
from datetime import datetime, timedelta

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import Engine

import scan_codes
from app import clock
from app.checkout.member_code import CodesUsedUp, ShownCode, current, renew, supply
from app.checkout.scan import CodeRevoked
from tests.app.checkout.till_side import scan_at, till_of
from tests.conftest import rows
from tests.racing import race
from tests.shop import Phone, Shop

US = timedelta(microseconds=1)
STEP = timedelta(seconds=scan_codes.STEP_S)


@pytest.fixture
def start() -> datetime:
    """The first instant of a step."""
    return scan_codes.step_starts_at(scan_codes.step_of(clock.now()))


def shown(shop: Shop, phone: Phone, now: datetime) -> ShownCode:
    return current(issuer=shop.parts.issuer, member_id=phone.member_id, now=now)


def renewed(shop: Shop, phone: Phone, now: datetime) -> ShownCode:
    return renew(issuer=shop.parts.issuer, member_id=phone.member_id, now=now)


def test_a_code_is_shown_for_its_step_and_the_next_one_after(shop: Shop, start: datetime) -> None:
    phone = shop.member()
    first = shown(shop, phone, start)
    assert shown(shop, phone, start + STEP - US).code == first.code
    assert shown(shop, phone, start + STEP).code != first.code
    assert (first.refresh_in_s, shown(shop, phone, start + STEP - US).refresh_in_s) == (30, 1)
    assert (first.valid_from, first.valid_until) == (start - STEP, start + 3 * STEP)


def test_two_members_never_show_the_same_code(shop: Shop, start: datetime) -> None:
    assert len({shown(shop, shop.member(), start).code for _ in range(5)}) == 5


def test_after_use_the_next_code_is_shown_and_after_that_none(shop: Shop, start: datetime) -> None:
    phone, till = shop.member(), till_of(shop.till)
    codes = []
    for _ in range(2):
        codes.append(shown(shop, phone, start).code)
        scan_at(shop, till, codes[-1], start)
    assert len(set(codes)) == 2
    with pytest.raises(CodesUsedUp) as refusal:
        shown(shop, phone, start + timedelta(seconds=20))
    assert refusal.value.data == {"retry_after_s": 11}
    assert shown(shop, phone, start + STEP).code not in codes


def test_renewing_withdraws_the_code_on_the_screen_and_older_ones(shop: Shop, start: datetime) -> None:
    phone, till = shop.member(), till_of(shop.till)
    older, old = shown(shop, phone, start - STEP).code, shown(shop, phone, start).code
    new = renewed(shop, phone, start).code
    assert shown(shop, phone, start).code == new
    for withdrawn in (older, old):
        with pytest.raises(CodeRevoked):
            scan_at(shop, till, withdrawn, start)
    assert scan_at(shop, till, new, start).ticket


def test_renewing_twice_within_a_step_is_refused_and_changes_nothing(shop: Shop, start: datetime) -> None:
    phone = shop.member()
    new = renewed(shop, phone, start).code
    with pytest.raises(CodesUsedUp) as refusal:
        renewed(shop, phone, start + STEP - US)
    assert refusal.value.data == {"retry_after_s": 1}
    assert shown(shop, phone, start + STEP - US).code == new
    assert renewed(shop, phone, start + STEP).code != new


def test_sixteen_renewals_at_once_are_one(shop: Shop, start: datetime, engine: Engine) -> None:
    phone = shop.member()

    def ask(_: int) -> str:
        try:
            return renewed(shop, phone, start).code
        except CodesUsedUp as refusal:
            return refusal.code

    answers = race(16, ask)
    assert answers.count("codes_used_up") == 15
    step = scan_codes.step_of(start)
    assert rows(engine, "SELECT codes_valid_from_step FROM members") == [(step + 1,)]


def test_renewing_when_the_next_code_is_used_withdraws_nothing(shop: Shop, start: datetime) -> None:
    phone, till = shop.member(), till_of(shop.till)
    scan_at(shop, till, shop.code(phone, at=start, steps=1), start)
    on_screen = shown(shop, phone, start).code
    with pytest.raises(CodesUsedUp):
        renewed(shop, phone, start)
    assert scan_at(shop, till, on_screen, start).ticket


def test_a_second_renewal_over_http_is_told_when_to_come_back(shop: Shop) -> None:
    phone = shop.member()
    answers = [
        phone.post("/me/code", json={"renew": True}) for _ in range(3)
    ]  # three: a step may end in between
    assert answers[0].status_code == 200
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json["code"] == "codes_used_up"
    assert 1 <= int(refused.headers["Retry-After"]) <= 31


def test_a_pack_holds_the_codes_of_the_coming_steps(shop: Shop, start: datetime) -> None:
    phone, till = shop.member(), till_of(shop.till)
    pack = supply(issuer=shop.parts.issuer, member_id=phone.member_id, count=20, now=start)
    assert [code.code for code in pack] == [shown(shop, phone, start + n * STEP).code for n in range(20)]
    for n, code in enumerate(pack):
        if n % 5 == 0:
            assert scan_at(shop, till, code.code, start + n * STEP).ticket


def test_a_pack_leaves_out_what_is_used_or_withdrawn(shop: Shop, start: datetime) -> None:
    phone, till = shop.member(), till_of(shop.till)
    scan_at(shop, till, shop.code(phone, at=start, steps=1), start)
    used = supply(issuer=shop.parts.issuer, member_id=phone.member_id, count=3, now=start)
    assert [code.code for code in used] == [shop.code(phone, at=start, steps=n) for n in (0, 2)]
    other = shop.member()
    renewed(shop, other, start)
    pack = supply(issuer=shop.parts.issuer, member_id=other.member_id, count=3, now=start)
    assert [code.code for code in pack] == [shop.code(other, at=start, steps=n) for n in (1, 2, 3)]


@pytest.mark.parametrize("symbology", ["qr", "code128"])
def test_the_picture_says_the_current_code(shop: Shop, symbology: str) -> None:
    phone = shop.member()
    answer = phone.get(f"/me/code/image?symbology={symbology}&format=png")
    assert answer.headers["Cache-Control"] == "no-store"
    with Image.open(io.BytesIO(answer.data)) as picture:
        [found] = zxingcpp.read_barcodes(picture.convert("L"))
    assert shop.till.scan(found.text).status_code == 201


@pytest.mark.parametrize("asked", [{"renew": 1}, {"renew": "true"}, {"renew": None}, {"again": True}])
def test_only_true_renews(shop: Shop, asked: dict[str, object]) -> None:
    assert shop.member().post("/me/code", json=asked).status_code == 422


@pytest.mark.parametrize("count", [0, 21, -1, 2.5, "3", True, 2**63])
def test_a_pack_is_one_to_twenty_codes(shop: Shop, count: object) -> None:
    assert shop.member().post("/me/code/pack", json={"count": count}).status_code == 422
