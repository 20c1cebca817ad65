"""The policy of messages: what it takes, and which of its changes one person may not make alone."""

from typing import Any

import pytest

from app.messages.policy import MessagePolicy
from app.policies import PolicyMalformed, read


@pytest.mark.parametrize(
    "value",
    [
        {"quiet_from": "17:59"},
        {"quiet_from": "24:00"},
        {"quiet_from": "21:00\n"},
        {"quiet_from": 21},
        {"quiet_until": "12:00"},
        {"quiet_until": None},
        {"most_a_day": -1},
        {"ask_again_days": 0},
        {"fen_per_1000_sms": -1},
        {"quiet_for": "21:00"},
    ],
)
def test_what_is_no_policy_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(PolicyMalformed):
        read(MessagePolicy, value)


@pytest.mark.parametrize(
    ("former", "value", "looser"),
    [
        ({}, {}, False),
        ({}, {"quiet_from": "20:00", "quiet_until": "10:00", "most_a_day": 0, "ask_again_days": 30}, False),
        ({}, {"quiet_from": "21:01"}, True),
        ({}, {"quiet_until": "08:59"}, True),
        ({}, {"quiet_from": None}, True),
        ({"quiet_from": None, "quiet_until": "00:00"}, {"quiet_from": None}, False),
        ({}, {"most_a_day": 2}, True),
        ({}, {"most_a_week": None}, True),
        ({"most_a_day": None}, {"most_a_day": 3}, False),
        ({}, {"ask_again_days": 13}, True),
        ({}, {"fen_per_1000_sms": 6_000, "fen_per_1000_wechat": 1}, False),
        ({}, {"fen_per_1000_sms": 4_999}, True),
        ({}, {"fen_per_1000_emails": 0}, True),
    ],
)
def test_less_quiet_more_messages_and_sooner_questions_loosen_it(
    former: dict[str, Any], value: dict[str, Any], looser: bool
) -> None:
    before = read(MessagePolicy, former)
    assert read(MessagePolicy, value if former == {} else {**former, **value}).loosens(before) is looser
