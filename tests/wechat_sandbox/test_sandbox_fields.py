"""Which values a subscribe message's fields take."""

import pytest

from wechat_sandbox.fields import FIELD_TYPES, is_valid

ACCEPTED = {
    "thing": ["一", "一" * 20, "20 characters fit it", "👍" * 20],
    "number": ["0", "12345678901234567890123456789012", "3.14"],
    "letter": ["a", "AbC" * 10],
    "symbol": ["!", "#@+-*"],
    "character_string": ["M1234-56", "a" * 32],
    "time": ["15:04", "9:00", "15:04:59", "2026-11-22 15:04", "2026年11月22日 15:04", "09:00~18:00"],
    "date": ["2026-11-22", "2026年11月22日", "2026/1/2", "2026-11-22 15:04", "2026年1月1日~2026年2月1日"],
    "amount": ["26", "¥26.80", "$0.5", "26.8元", "1234567890"],
    "phone_number": ["+86-0766-66888866", "13800138000"],
    "car_number": ["粤A8Z888挂", "京A12345", "AB123"],
    "name": ["张三", "一" * 10, "John Smith", "张*"],
    "phrase": ["配送中", "黄金会员卡"],
}
REFUSED = {
    "thing": ["", "一" * 21, "two\nlines", "tab\there"],
    "number": ["", "1" * 33, "-1", "1,000", "1.", "十", "１２"],
    "letter": ["a1", "中", "a" * 33],
    "symbol": ["!!!!!!", "a", "1", "中"],
    "character_string": ["中文", "a" * 33, "a b"],
    "time": ["24:00", "15:60", "15", "2026-13-01 15:04", "1:00~2:00~3:00", "2026-11-22"],
    "date": ["2026-02-30", "2026-11", "11-22", "15:04", "2026年11/22"],
    "amount": ["12345678901", "¥¥1", "1.2.3", "1美元", "一百"],
    "phone_number": ["1" * 18, "phone"],
    "car_number": ["粤A8Z888挂挂挂", "A粤B"],
    "name": ["一" * 11, "a" * 21, "张3"],
    "phrase": ["一二三四五六", "vip会员", "会员 卡"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, one) for kind, all_ in ACCEPTED.items() for one in all_])
def test_a_documented_form_is_accepted(kind: str, value: str) -> None:
    assert is_valid(kind, value)


@pytest.mark.parametrize(("kind", "value"), [(kind, one) for kind, all_ in REFUSED.items() for one in all_])
def test_any_other_form_is_refused(kind: str, value: str) -> None:
    assert not is_valid(kind, value)


def test_an_enum_takes_a_value_of_its_own_list_only() -> None:
    assert is_valid("enum", "已付款", ("已付款", "已退款"))
    assert not is_valid("enum", "未付款", ("已付款", "已退款"))


def test_every_type_is_covered_here() -> None:
    assert ACCEPTED.keys() == REFUSED.keys() == FIELD_TYPES - {"enum"}
