"""Which names are kept, and what is taken out of them first."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.members.names import LONGEST, NameImpossible, cleaned


@pytest.mark.parametrize(
    "name",
    [
        "张三丰",
        "Zoë Ångström",
        "O'Neill-Smith",
        "小明🎉",
        "أحمد",
        "आदित्य",
        "<script>alert(1)</script>",
        "'; --",
        "🏳️",
    ],
)
def test_names_of_all_kinds_are_kept_as_they_are(name):
    assert cleaned(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("  张三 ", "张三"),
        ("张　三", "张 三"),
        ("a \u00a0 b", "a b"),
        ("张\u200b三", "张三"),
        ("\ufeff张三", "张三"),
        ("soft\u00adhyphen", "softhyphen"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("e\u0301", "é"),
        ("\u3164", ""),
        ("\u2800张\u115f", "张"),
        ("", ""),
        (" ", ""),
        ("\u200b\u2060", ""),
    ],
)
def test_what_cannot_be_seen_is_dropped(given_name, kept):
    assert cleaned(given_name) == kept


@pytest.mark.parametrize(
    "mark", [chr(c) for c in [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F]]
)
def test_no_mark_can_turn_a_name_around(mark):
    assert cleaned(f"{mark}张三{mark}经理") == "张三经理"


CONTROLS = "\x00\n\t\x1b\x7f\x85\u2028\u2029"
NOT_LETTERS = "\ue000\ud800\uffff"


@pytest.mark.parametrize("name", [f"a{c}b" for c in CONTROLS + NOT_LETTERS])
def test_control_characters_are_refused(name):
    with pytest.raises(NameImpossible) as caught:
        cleaned(name)
    assert caught.value.data == {"longest": LONGEST}


def test_the_length_counts_what_is_kept():
    assert cleaned("张" * 32) == "张" * 32
    assert cleaned("\u200b" * 50 + "张" * 32) == "张" * 32
    with pytest.raises(NameImpossible):
        cleaned("张" * 33)


def test_composing_counts_after_it_is_done():
    assert len(cleaned("e\u0301" * 32)) == 32


@given(st.text(max_size=60))
def test_whatever_is_kept_is_short_seen_and_stays_as_it_is(name):
    try:
        kept = cleaned(name)
    except NameImpossible:
        return
    assert len(kept) <= LONGEST
    assert kept.isprintable()
    assert kept == kept.strip()
    assert cleaned(kept) == kept
