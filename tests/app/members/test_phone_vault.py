"""Sealing, opening, finding and masking phone numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.members.phones import PhoneMalformed, PhoneVault, masked

OLD, NEW, INDEX = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
NUMBER, OWNER = "+8613800138000", "01J0000000000000000000000A"


@pytest.fixture
def vault():
    return PhoneVault({"a": OLD}, INDEX)


@given(
    st.from_regex(r"\A\+[1-9][0-9]{6,14}\Z"),
    st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26),
)
def test_what_is_sealed_opens_for_its_owner(number, owner):
    vault = PhoneVault({"a": OLD}, INDEX)

    assert vault.open(vault.seal(number, owner), owner) == number


def test_sealing_twice_gives_two_texts_and_neither_shows_the_number(vault):
    first, second = vault.seal(NUMBER, OWNER), vault.seal(NUMBER, OWNER)

    assert first != second
    assert b"138" not in first.replace(b"a", b"")
    assert NUMBER[1:].encode() not in first + second


def test_a_number_moved_to_another_member_does_not_open(vault):
    with pytest.raises(ValueError):
        vault.open(vault.seal(NUMBER, OWNER), "01J0000000000000000000000B")


def test_an_old_key_still_opens_and_the_new_one_seals(vault):
    old = vault.seal(NUMBER, OWNER)
    both = PhoneVault({"b": NEW, "a": OLD}, INDEX)

    assert both.open(old, OWNER) == NUMBER
    assert both.seal(NUMBER, OWNER)[:2] == b"\x01b"
    with pytest.raises(ValueError, match="no phone key with id b"):
        vault.open(both.seal(NUMBER, OWNER), OWNER)


def test_another_key_under_the_same_id_does_not_open(vault):
    with pytest.raises(ValueError):
        PhoneVault({"a": NEW}, INDEX).open(vault.seal(NUMBER, OWNER), OWNER)


def test_a_relabelled_key_does_not_open(vault):
    sealed = vault.seal(NUMBER, OWNER)
    relabelled = b"\x01b" + sealed[2:]

    with pytest.raises(ValueError):
        PhoneVault({"a": OLD, "b": OLD}, INDEX).open(relabelled, OWNER)


def test_no_damaged_byte_goes_unnoticed(vault):
    sealed = vault.seal(NUMBER, OWNER)
    for place in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        with pytest.raises(ValueError):
            vault.open(bytes(damaged), OWNER)


def test_nothing_shorter_opens(vault):
    sealed = vault.seal(NUMBER, OWNER)
    for size in range(len(sealed)):
        with pytest.raises(ValueError):
            vault.open(sealed[:size], OWNER)


def test_what_does_not_open_is_not_shown(vault):
    with pytest.raises(ValueError) as caught:
        vault.open(vault.seal(NUMBER, OWNER), "another")
    assert "138" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "number", ["13800138000", "+013800138000", "+86 138", "+86138001380001234", "+861３８", "", "+"]
)
def test_only_e164_is_taken(vault, number):
    for use in (vault.index, lambda number: vault.seal(number, OWNER)):
        with pytest.raises(PhoneMalformed):
            use(number)


def test_a_number_with_a_line_feed_behind_it_is_not_taken(vault):
    with pytest.raises(PhoneMalformed):
        vault.index(NUMBER + "\n")


def test_equal_numbers_are_found_only_with_the_index_key(vault):
    assert vault.index(NUMBER) == PhoneVault({"b": NEW}, INDEX).index(NUMBER)
    assert vault.index(NUMBER) != PhoneVault({"a": OLD}, NEW).index(NUMBER)
    assert vault.index(NUMBER) != vault.index("+8613800138001")
    assert len(vault.index(NUMBER)) == 16


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+8613800138000", "138****8000"), ("+85261234567", "+85****67"), ("+14155550123", "+14****23")],
)
def test_masks_show_little(number, shown):
    assert masked(number) == shown


def test_a_vault_does_not_show_its_keys(vault):
    assert repr(OLD) not in repr(vault)
    assert OLD.hex() not in repr(vault)
