"""Template fields: prose is shortened, figures never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers.wechat import FieldInvalid, fit_fields
from wechat_sandbox.fields import is_valid


def fit(key, text, **options):
    return fit_fields({key: text}, **options)[key]["value"]


@pytest.mark.parametrize(
    ("text", "fitted"),
    [
        ("欢迎光临", "欢迎光临"),
        ("一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
        ("一二三四五六七八九十一二三四五六七八九十多", "一二三四五六七八九十一二三四五六七八九…"),
        ("  two\nlines\tand \x00 more ", "two lines and more"),
        ("🐼" * 21, "🐼" * 19 + "…"),
        (
            "a" * 18 + "\U0001f468\u200d\U0001f469\u200d\U0001f467" + "zz",
            "a" * 18 + "…",
        ),  # a family is not cut in two
        ("a" * 18 + "e\u0301" + "zz", "a" * 18 + "…"),
        ("a" * 18 + "\U0001f44d\U0001f3fd" + "z", "a" * 18 + "…"),
        ("a" * 17 + "\U0001f44d\U0001f3fd" + "zz", "a" * 17 + "\U0001f44d\U0001f3fd…"),
    ],
)
def test_a_thing_fits_in_twenty_characters(text, fitted):
    assert fit("thing1", text) == fitted


@pytest.mark.parametrize(
    ("key", "text", "fitted"),
    [
        ("name1", "欧阳若兰", "欧阳若兰"),
        ("name1", "一二三四五六七八九十一", "一二三四五六七八九…"),
        ("name1", "Bartholomew Longfellow", "Bartholomew Longfel…"),
    ],
)
def test_a_name_fits_in_ten_han_or_twenty_letters(key, text, fitted):
    assert fit(key, text) == fitted


GOOD = [
    ("number1", "100"),
    ("number12", "3.50"),
    ("number1", "9" * 32),
    ("letter1", "abcXYZ"),
    ("symbol1", "!@#"),
    ("character_string1", "SO-2026/11#0042"),
    ("time1", "09:05"),
    ("time1", "23:59:59"),
    ("time1", "2026年11月22日 09:05"),
    ("time1", "2026-11-22 09:05~2026-11-22 10:00"),
    ("time1", "09:00~10:00"),
    ("date1", "2026-11-22"),
    ("date1", "2026年11月22日"),
    ("date1", "2026/11/22 09:05"),
    ("date1", "2026-11-22 ~ 2026-11-30"),
    ("amount1", "¥128.00"),
    ("amount1", "128元"),
    ("amount1", "1234567890.12"),
    ("phone_number1", "13800008000"),
    ("phone_number1", "+86 138-0000-8000"),
    ("car_number1", "粤A8Z888挂"),
    ("phrase1", "已到账"),
]


@pytest.mark.parametrize(("key", "text"), GOOD)
def test_what_fits_is_left_alone(key, text):
    assert fit(key, text) == text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("thing1", ""),
        ("thing1", " \n "),
        ("name1", ""),
        ("number1", "9" * 33),
        ("number1", "-1"),
        ("number1", "1,000"),
        ("number1", "12分"),
        ("number1", "١٢"),
        ("letter1", "a" * 33),
        ("letter1", "中"),
        ("symbol1", "!!!!!!"),
        ("symbol1", "a"),
        ("character_string1", "9" * 33),
        ("character_string1", "单号1"),
        ("time1", "24:00"),
        ("time1", "9点"),
        ("time1", "2026-11-22"),
        ("date1", "22.11."),
        ("date1", "2026-13-01"),
        ("date1", "2026年11-22"),
        ("amount1", "¥12345678901"),
        ("amount1", "-¥1.00"),
        ("amount1", "¥-1.00"),
        ("amount1", "¥1.234"),
        ("amount1", "¥1,000.00"),
        ("amount1", "免费"),
        ("phone_number1", "1" * 18),
        ("phone_number1", "打电话"),
        ("car_number1", "粤A88888888"),
        ("phrase1", "已经到账了呀"),
        ("phrase1", "ok"),
        ("enum1", "会员"),
        ("unknown1", "x"),
        ("thing", "x"),
        ("1", "x"),
        ("Thing1", "x"),
        ("", "x"),
    ],
)
def test_what_does_not_fit_is_never_bent_to_fit(key, text):
    with pytest.raises(FieldInvalid) as caught:
        fit(key, text)

    assert caught.value.code == "message_field_invalid"
    assert caught.value.data == {"field": key}


def test_an_enum_takes_the_values_of_its_template_alone():
    choices = {"enum1": frozenset({"会员", "非会员"})}

    assert fit("enum1", "会员", choices=choices) == "会员"
    with pytest.raises(FieldInvalid):
        fit("enum1", "vip", choices=choices)


def test_all_fields_of_a_message_at_once():
    assert fit_fields({"thing1": "积分到账", "number2": "12", "date3": "2026-11-22"}) == {
        "thing1": {"value": "积分到账"},
        "number2": {"value": "12"},
        "date3": {"value": "2026-11-22"},
    }


@given(st.text(max_size=80))
def test_whatever_the_text_a_thing_has_one_to_twenty_characters_on_one_line(text):
    try:
        fitted = fit("thing1", text)
    except FieldInvalid:
        return
    assert 1 <= len(fitted) <= 20
    assert fitted == " ".join(fitted.split())
    fitted.encode()


@pytest.mark.parametrize(("key", "text"), GOOD)
def test_the_stand_in_for_wechat_takes_what_we_let_through(key, text):
    assert is_valid(key.rstrip("0123456789"), text, ())
