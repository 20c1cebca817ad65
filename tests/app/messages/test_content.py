"""What a message says by each channel is checked when it is planned."""

import pytest

from app.messages.channels.content import ContentImpossible, email_content, sms_content, wechat_content
from app.providers.wechat import FieldInvalid
from tests.messaging import RECEIPT, Post, reckoned_up


def test_a_subscribe_message_is_sent_as_it_was_frozen(post: Post) -> None:
    member = post.person("alice", credits=1)
    words = {
        "thing1": "一家名字特别特别特别特别特别长长长的咖啡店",
        "amount2": "¥3.00",
        "number3": "3",
        "time4": "09:00",
    }
    frozen = wechat_content(RECEIPT, "pages/points/index?from=x", words)
    post.planned(member.member_id, "wechat_subscribe", frozen)

    post.send()

    assert reckoned_up(post) == {"sent": 1}
    [received] = post.wechat.received("alice")
    assert received["values"]["thing1"] == "一家名字特别特别特别特别特别长长长的咖啡店"[:19] + "…"
    assert received["page"] == "pages/points/index?from=x"


def test_a_figure_that_does_not_fit_is_refused_and_never_shortened() -> None:
    with pytest.raises(FieldInvalid):
        wechat_content("T", None, {"amount1": "12345678901234"})


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: wechat_content("", None, {}), "template_id"),
        (lambda: wechat_content("T", "p" * 1025, {}), "page"),
        (lambda: sms_content("", []), "template"),
        (lambda: sms_content("1", ["x"] * 13), "values"),
        (lambda: sms_content("1", ["x" * 101]), "values"),
        (lambda: sms_content("1", [""]), "values"),
        (lambda: email_content("a\r\nBcc: b@example.com", "t"), "subject"),
        (lambda: email_content("s", ""), "text"),
        (lambda: email_content("s", "t\0"), "text"),
        (lambda: email_content("s", "t", "x" * 200_001), "html"),
    ],
)
def test_what_no_provider_would_take_is_refused(make: object, field: str) -> None:
    with pytest.raises(ContentImpossible) as caught:
        make()  # type: ignore[operator]
    assert caught.value.data == {"field": field}


def test_contents_stand_under_their_channel() -> None:
    assert sms_content("12", ["a"]) == {"sms": {"template": "12", "values": ["a"]}}
    assert email_content("s", "t") == {"email": {"subject": "s", "text": "t", "html": None}}
