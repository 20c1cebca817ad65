"""Messages by e-mail: to whom, what stands in them, and the link that ends them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from app import db, settings
from app.members.emails import masked
from app.messages.channels.content import email_content
from app.messages.models import Message
from tests.marketing import policy
from tests.messaging import Post, assembled, reckoned_up
from tests.shop import Phone
from tests.smtp_peer import SmtpPeer, mail_server

ADDRESS = "Chen.Mei@example.com"


@pytest.fixture
def peer() -> Iterator[SmtpPeer]:
    with mail_server() as peer:
        yield peer


@pytest.fixture
def mail(post: Post, peer: SmtpPeer) -> Post:
    """The shop with a mail server."""
    changed = replace(
        post.parts.settings,
        smtp_host="127.0.0.1",
        smtp_port=peer.port,
        smtp_tls="none",
        smtp_from="hello@example.org",
        public_url="https://members.example.org",
        brand_name="山茶咖啡",
    )
    parts = assembled(changed)
    post.app.extensions["parts"] = parts
    return replace(post, parts=parts)


def give(phone: Phone, address: str = ADDRESS) -> Any:
    return phone.post("/me/email", json={"email": address})


def forget(phone: Phone) -> Any:
    return phone.client.delete("/api/v1/me/email", headers={"Authorization": f"Bearer {phone.token}"})


def code_in(peer: SmtpPeer) -> str:
    found = re.search(r"\b[0-9]{6}\b", peer.taken[-1].get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert found is not None
    return found.group()


def confirmed(mail: Post, peer: SmtpPeer, user: str = "alice") -> Phone:
    member = mail.person(user)
    assert give(member).status_code == 200
    mail.send()
    done = member.post("/me/email/confirm", json={"code": code_in(peer)})
    assert (done.status_code, done.json) == (200, {"email": "C***@example.com", "confirmed": True})
    peer.taken.clear()
    return member


def planned(mail: Post, member: Phone, *, category: str = "service") -> str:
    content = email_content("两张券", "您有两张券。", "<p>您有<b>两张</b>券。</p>")
    message_id = mail.planned(member.member_id, "email", content)
    with db.transaction() as session:
        session.execute(update(Message).where(Message.id == message_id).values(category=category))
    return message_id


def test_the_code_shows_whose_the_address_is(mail: Post, peer: SmtpPeer) -> None:
    member = mail.person("alice")
    assert member.get("/me/email").status_code == 404

    asked = give(member)

    assert (asked.status_code, asked.json) == (200, {"email": "C***@example.com", "confirmed": False})
    mail.send()
    [letter] = peer.taken
    assert letter["To"] == ADDRESS
    assert letter["Subject"] == "山茶咖啡：邮箱验证码"
    assert "山茶咖啡" in letter["From"]
    assert letter["List-Unsubscribe"] is None
    wrong = member.post("/me/email/confirm", json={"code": f"{(int(code_in(peer)) + 1) % 1_000_000:06}"})
    assert (wrong.status_code, wrong.json["code"]) == (422, "email_code_wrong")
    assert member.post("/me/email/confirm", json={"code": code_in(peer)}).json["confirmed"] is True
    assert member.get("/me/email").json == {"email": "C***@example.com", "confirmed": True}
    assert mail.rows("SELECT position('example' IN encode(cipher, 'escape')) FROM member_emails") == [(0,)]


def test_five_wrong_codes_end_it_and_another_letter_helps(mail: Post, peer: SmtpPeer) -> None:
    member = mail.person("alice")
    give(member)
    mail.send()
    right = code_in(peer)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert member.post("/me/email/confirm", json={"code": wrong}).status_code == 422
    assert member.post("/me/email/confirm", json={"code": right}).status_code == 422

    give(member)
    mail.send()

    assert member.post("/me/email/confirm", json={"code": code_in(peer)}).status_code == 200


def test_a_code_is_good_for_half_an_hour_and_once(mail: Post, peer: SmtpPeer) -> None:
    member = mail.person("alice")
    give(member)
    mail.send()
    with db.transaction() as session:
        session.connection().exec_driver_sql("UPDATE member_emails SET code_until = now()")
    assert member.post("/me/email/confirm", json={"code": code_in(peer)}).status_code == 422
    again = confirmed(mail, peer, "bob")
    assert again.post("/me/email/confirm", json={"code": "123456"}).status_code == 422


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "a@b",
        "a@@example.com",
        "a b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@-x.com",
        "陈@例.cn",
    ],
)
def test_what_is_no_address_is_refused(mail: Post, address: str) -> None:
    assert give(mail.person("alice"), address).json["code"] in ("email_malformed", "validation_failed")


def test_codes_are_sent_five_times_a_day(mail: Post) -> None:
    member = mail.person("alice")
    assert [give(member).status_code for _ in range(6)] == [200] * 5 + [429]


def test_without_a_mail_server_no_address_is_taken(post: Post) -> None:
    assert give(post.person("alice")).json["code"] == "email_not_offered"


def test_a_letter_goes_to_the_confirmed_address(mail: Post, peer: SmtpPeer) -> None:
    member = confirmed(mail, peer)
    message_id = planned(mail, member)

    mail.send()

    [letter] = peer.taken
    assert (letter["To"], letter["Message-ID"]) == (ADDRESS, f"<{message_id}@example.org>")
    parts = [(part.get_content_type(), part.get_content().strip()) for part in letter.iter_parts()]  # type: ignore[attr-defined]
    assert parts == [("text/plain", "您有两张券。"), ("text/html", "<p>您有<b>两张</b>券。</p>")]
    assert letter["List-Unsubscribe"] is None  # it is no advertising


@pytest.mark.parametrize("how", ["none", "unconfirmed", "removed"])
def test_who_confirmed_no_address_gets_the_inbox(mail: Post, peer: SmtpPeer, how: str) -> None:
    member = confirmed(mail, peer) if how == "removed" else mail.person("alice")
    if how == "unconfirmed":
        give(member)
        mail.send()
        peer.taken.clear()
    if how == "removed":
        assert forget(member).status_code == 204
    planned(mail, member)

    mail.send()

    assert peer.taken == []
    assert reckoned_up_inbox(mail) == ["failed"]
    assert len(mail.inbox(member)) == 1


def reckoned_up_inbox(mail: Post) -> list[str]:
    return [one["state"] for one in mail.messages() if one["kind"] != "email_code"]


def test_a_new_address_waits_for_its_own_code(mail: Post, peer: SmtpPeer) -> None:
    member = confirmed(mail, peer)
    give(member, "other@example.com")
    assert member.get("/me/email").json == {"email": "o***@example.com", "confirmed": False}


def test_a_code_that_cannot_be_delivered_is_told_in_the_inbox(mail: Post, peer: SmtpPeer) -> None:
    peer.says["RCPT"] = "550 5.1.1 nobody"
    member = mail.person("alice")
    give(member)

    mail.send()

    assert reckoned_up(mail) == {"failed": 1}
    [told] = mail.inbox(member)
    assert told["title"] == "邮箱验证"
    assert not re.search(r"[0-9]{6}", told["body"])


def test_a_crowd_shares_a_few_connections(mail: Post, peer: SmtpPeer) -> None:
    members = [confirmed(mail, peer, f"p{number}") for number in range(3)]
    before = peer.connections
    for _ in range(8):
        for member in members:
            planned(mail, member)

    # A turn ends when all who are left are being written to, as on a slow machine; the next begins within a second.
    while mail.send():
        pass

    assert len({letter["Message-ID"] for letter in peer.taken}) == len(peer.taken) == 24
    assert peer.connections - before <= 24


def link_in(peer: SmtpPeer) -> str:
    header = str(peer.taken[-1]["List-Unsubscribe"])
    assert str(peer.taken[-1]["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<https://members\.example\.org(/unsubscribe/[^>]+)>", header)
    assert found is not None, header
    return found.group(1)


def opted_out(mail: Post, phone: Phone) -> bool:
    found = mail.rows("SELECT channel FROM marketing_opt_outs WHERE member_id = :id", id=phone.member_id)
    return bool(found)


def test_advertising_ends_with_one_click(mail: Post, peer: SmtpPeer) -> None:
    policy(quiet_from=None)
    member = confirmed(mail, peer)
    planned(mail, member, category="marketing")
    mail.send()
    link, browser = link_in(peer), mail.app.test_client()

    looked = browser.get(link)

    body = peer.taken[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert body.strip().endswith(f"退订营销邮件：https://members.example.org{link}")
    assert looked.status_code == 200
    assert "确认退订" in looked.text
    assert not opted_out(mail, member)  # programs that look for bad links open them all
    for _ in range(2):
        done = browser.post(link, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    assert "已退订" in done.text
    assert opted_out(mail, member)
    found = mail.rows("SELECT channel, opted_out, source FROM marketing_choices")
    assert found == [("email", True, "link")]


def test_a_link_that_we_did_not_make_leads_nowhere(mail: Post, peer: SmtpPeer) -> None:
    policy(quiet_from=None)
    member = confirmed(mail, peer)
    planned(mail, member, category="marketing")
    mail.send()
    link, browser = link_in(peer), mail.app.test_client()
    for forged in (link[:-2], link.replace("/unsubscribe/", "/unsubscribe/x"), "/unsubscribe/x.y"):
        assert browser.post(forged).status_code == 404
        assert browser.get(forged).status_code == 404
    assert not opted_out(mail, member)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"SMTP_HOST": "mail.example.org"}, "SMTP_HOST and SMTP_FROM"),
        ({"SMTP_HOST": "mail.example.org", "SMTP_FROM": "a@example.org"}, "SMTP_HOST: needs PUBLIC_URL"),
        ({"SMTP_USER": "x"}, "SMTP_USER and SMTP_PASSWORD"),
        ({"SMTP_FROM": "Name <a@example.org>"}, "SMTP_FROM"),
        (
            {
                "SMTP_HOST": "mail.example.org",
                "SMTP_FROM": "a@example.org",
                "PUBLIC_URL": "https://x.example",
                "SMTP_TLS": "none",
            },
            "SMTP_TLS: none is for a mail server on this machine only",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    given_environment: dict[str, str], given: dict[str, str], named: str
) -> None:
    with pytest.raises(settings.SettingsError, match=named):
        settings.load({**given_environment, **given})


def test_what_is_shown_of_an_address() -> None:
    assert masked("chen@example.com") == "c***@example.com"
