"""The words of the pages: complete, in both languages, and all of them needed."""

import re
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from flask import Flask

from app.checkout.tenders import Kind
from consoles.clerk.refusals import LOOKS
from consoles.texts import TEXTS, t

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "consoles").rglob("*.py")]
USED = {
    key for file in SOURCES for key in re.findall(r"""\bt\(\s*["']([a-z_.]+[a-z_])["']""", file.read_text())
}
#: Put together from a code or a condition.
BUILT = {key for key in TEXTS if key.startswith(("refused.", "paid.", "quote.outdated."))} | {
    "sale.amount.refused",
    "sale.amount.missing",
}


def test_every_text_that_is_used_exists() -> None:
    assert set(TEXTS) >= USED


def test_every_text_is_used() -> None:
    assert set(TEXTS) <= USED | BUILT


def test_both_languages_fill_in_the_same_values() -> None:
    for chinese, english in TEXTS.values():
        assert values(chinese) == values(english)


def test_chinese_is_chinese_and_english_is_english() -> None:
    for chinese, english in TEXTS.values():
        assert re.search(r"[一-鿿]", chinese)
        assert not re.search(r"[一-鿿]", english)


@pytest.mark.parametrize(("points", "said"), [(0, "0 points"), (1, "1 point"), ("1,001", "1,001 points")])
def test_one_is_no_plural(app: Flask, points: object, said: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert t("receipt.gained", points=points) == f"+{said}"
        assert t("sign_in.too_many", minutes=1).endswith("in 1 minute.")
        assert t("refused.too_many_requests.advice", minutes=1).count("minute;") == 1


def test_every_refusal_at_the_till_has_its_word_and_advice() -> None:
    for code in LOOKS:
        if not code.startswith(("ticket_", "coupon_")):  # their reasons have sentences of their own
            assert {f"refused.{code}.word", f"refused.{code}.advice"} <= set(TEXTS)


def test_every_way_to_pay_has_its_name() -> None:
    assert {f"paid.{kind}" for kind in get_args(Kind)} <= set(TEXTS)


def values(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
