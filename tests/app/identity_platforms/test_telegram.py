"""Telegram's initData, with vectors that Node made and one that was published."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Unauthenticated
from app.identity.platforms import LoginCodeInvalid, LoginExpired, Platform, VerifiedIdentity
from app.identity.platforms.telegram import MAX_INIT_DATA_CHARS, MAX_PAIRS, Telegram

VECTORS = json.loads((Path(__file__).parent / "vectors" / "telegram.json").read_text())
DAY_S = 86_400
PLAIN = VECTORS["genuine"][0]


def by_name(vectors):
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


def platform_of(vector, max_age_s=DAY_S):
    return Telegram(f"{vector['bot_id']}:{vector['bot_secret']}", max_age_s)


def signed_at(vector, age_s=0):
    return datetime.fromtimestamp(vector["auth_date"] + age_s, UTC)


def refused(init_data, *, now=None, vector=PLAIN):
    with pytest.raises(LoginCodeInvalid) as caught:
        platform_of(vector).verify(init_data, now=now or signed_at(vector))
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert vector["bot_secret"] not in repr(caught.value)


def test_the_published_sample_is_genuine():
    vector = VECTORS["published"]

    identity = platform_of(vector).verify(vector["init_data"], now=signed_at(vector, 20))

    assert identity == VerifiedIdentity("telegram", vector["bot_id"], vector["user_id"], None)


def test_the_published_sample_fails_without_its_signature_field():
    vector = VECTORS["published"]
    pairs = [pair for pair in vector["init_data"].split("&") if not pair.startswith("signature=")]

    refused("&".join(pairs), vector=vector)


@by_name(VECTORS["genuine"])
def test_what_another_implementation_signs_is_genuine(vector):
    identity = platform_of(vector).verify(vector["init_data"], now=signed_at(vector))

    expected = "9007199254740991" if vector["name"] == "largest_id" else "42"
    assert (identity.subject, identity.app_id) == (expected, vector["bot_id"])


@by_name(VECTORS["genuine_but_nobody"])
def test_genuine_data_about_nobody_is_no_login(vector):
    refused(vector["init_data"], now=signed_at(PLAIN))


def test_the_order_of_the_pairs_does_not_matter():
    pairs = "&".join(reversed(PLAIN["init_data"].split("&")))

    assert platform_of(PLAIN).verify(pairs, now=signed_at(PLAIN)).subject == "42"


def test_another_bots_data_is_refused():
    refused(PLAIN["init_data"], vector=VECTORS["published"], now=signed_at(PLAIN))


@given(st.integers(min_value=0, max_value=len(PLAIN["init_data"]) - 1), st.sampled_from("0aZ%&=+;#"))
def test_no_changed_character_goes_unnoticed(at, other):
    genuine = PLAIN["init_data"]
    changed = genuine[:at] + other + genuine[at + 1 :]
    if changed == genuine:
        return
    try:
        identity = platform_of(PLAIN).verify(changed, now=signed_at(PLAIN))
    except LoginCodeInvalid:
        return
    # the same pairs in another spelling (%3a for %3A) are the same pairs
    assert identity.subject == "42"


def test_added_and_removed_pairs_are_noticed():
    refused(PLAIN["init_data"] + "&is_admin=1")
    refused("&".join(PLAIN["init_data"].split("&")[1:]))


def test_a_repeated_key_is_refused_even_with_the_same_value():
    for pair in PLAIN["init_data"].split("&"):
        refused(f"{PLAIN['init_data']}&{pair}")
    refused(PLAIN["init_data"] + "&user=" + quote('{"id":1}'))


def test_pairs_cannot_be_merged_into_one_by_a_line_break():
    pairs = dict(pair.split("=", 1) for pair in PLAIN["init_data"].split("&"))
    merged = f"auth_date={pairs['auth_date']}%0Auser={pairs['user']}&hash={pairs['hash']}"

    refused(merged)


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "g" * 64, "０" * 64])
def test_a_hash_that_is_none_is_refused(text):
    fields = PLAIN["init_data"].rpartition("hash=")[0]

    refused(f"{fields}hash={quote(text)}")


def test_a_missing_hash_is_refused():
    refused(PLAIN["init_data"].rpartition("&hash=")[0])


@pytest.mark.parametrize(
    "init_data",
    [
        "",
        "x",
        "=",
        "&&",
        "%",
        "a=%ff&hash=" + "0" * 64,
        "a=1;b=2",
        "\x00=1",
        "\ud800=1",
        "a=\ud800&hash=" + "0" * 64,
    ],
)
def test_rubbish_is_refused(init_data):
    refused(init_data)


def test_too_much_data_is_refused():
    refused("a=" + "x" * MAX_INIT_DATA_CHARS)
    refused(urlencode({f"k{number}": 1 for number in range(MAX_PAIRS + 1)}))


@pytest.mark.parametrize("age_s", [-60, 0, 299])
def test_data_is_good_from_a_minute_early_until_its_age_is_reached(age_s):
    assert platform_of(PLAIN, 300).verify(PLAIN["init_data"], now=signed_at(PLAIN, age_s)).subject == "42"


@pytest.mark.parametrize("age_s", [300, 301, 10**6])
def test_old_data_has_expired(age_s):
    with pytest.raises(LoginExpired) as caught:
        platform_of(PLAIN, 300).verify(PLAIN["init_data"], now=signed_at(PLAIN, age_s))
    assert isinstance(caught.value, Unauthenticated)
    assert caught.value.code == "login_code_expired"


def test_data_from_the_future_is_refused():
    refused(PLAIN["init_data"], now=signed_at(PLAIN) - timedelta(seconds=61))


def test_forged_data_is_invalid_however_old():
    refused(PLAIN["init_data"].replace("42", "43"), now=signed_at(PLAIN, 10 * DAY_S))


@pytest.mark.parametrize(
    "token", ["", "123", "123:short", ":" + "x" * 35, "12a:" + "x" * 35, "123:" + "x y" * 12]
)
def test_a_bot_token_that_is_none_is_noticed_at_the_start_and_not_shown(token):
    with pytest.raises(ValueError, match="not a Telegram bot token") as caught:
        Telegram(token, DAY_S)
    assert not token or token not in str(caught.value)


def test_a_platform_shows_no_secret_and_an_identity_no_person():
    platform = platform_of(PLAIN)
    identity = platform.verify(PLAIN["init_data"], now=signed_at(PLAIN))

    assert PLAIN["bot_secret"] not in repr(platform) + repr(vars(platform))
    assert "42" not in repr(identity)


def test_it_is_a_platform():
    platform: Platform = platform_of(PLAIN)

    assert (platform.name, platform.app_id) == ("telegram", "1000000001")
