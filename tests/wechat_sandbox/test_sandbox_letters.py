"""SMS and letters that the demo's product sends: taken by the product's own clients, shown, and nothing forged."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import requests

from app import clock
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.sms import SmsAccount, TencentSms
from app.providers.smtp import Line, MailServer
from wechat_sandbox.process import start

CONFIG = {
    "app_id": "wx0123456789abcdef",
    "secret": "s",
    "mail": True,
    "sms": {"secret_id": "AKID", "secret_key": "key", "templates": {"7": "{1}，您好：{2}"}},
}
PHONE = "+8613800138000"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with start(CONFIG) as url:
        yield url


def send(url: str, key: str = "key", template: str = "7") -> str:
    account = SmsAccount(secret_id="AKID", secret_key=key, app_id="1", signature="青禾", region="r")
    client = TencentSms(account, clock=clock.now, base_url=url)
    return client.send(PHONE, template, ["陈", "双倍积分"], reference="m")


def test_sms_and_letters_are_taken_and_shown(url: str) -> None:
    assert send(url).startswith("2645:")
    send(url, template="8")
    mail = MailServer(
        host="127.0.0.1",
        port=requests.get(f"{url}/_sim/letters", timeout=60).json()["smtp_port"],
        tls="none",
        user=None,
        password=None,
    )
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = "双倍积分", "a@example.com", "b@example.com"
    letter["List-Unsubscribe"] = "<http://127.0.0.1:1/unsubscribe/x>"
    letter.set_content("周末见 <b>\n..\n")
    letter.add_alternative("<p>周末见</p>", subtype="html")
    line = Line(mail)
    for _ in range(2):
        line.send(letter, sender="a@example.com", to="b@example.com")
    line.close()

    kept = requests.get(f"{url}/_sim/letters", timeout=60).json()["letters"]
    assert [(one["kind"], one["to"], one["subject"], one["text"]) for one in kept[:3]] == [
        ("sms", PHONE, "", "【青禾】陈，您好：双倍积分"),
        ("sms", PHONE, "", "【青禾】8: 陈, 双倍积分"),
        ("email", "b@example.com", "双倍积分", "周末见 <b>\n..\n"),
    ]
    page = requests.get(f"{url}/letters?lang=zh", timeout=60).text
    assert "【青禾】陈，您好：双倍积分" in page
    assert "周末见 &lt;b&gt;" in page
    assert 'href="http://127.0.0.1:1/unsubscribe/x"' in page


def test_who_has_another_key_sends_nothing(url: str) -> None:
    before = len(requests.get(f"{url}/_sim/letters", timeout=60).json()["letters"])
    with pytest.raises((ProviderRefused, ProviderUnavailable)):
        send(url, key="another")
    assert len(requests.get(f"{url}/_sim/letters", timeout=60).json()["letters"]) == before


def test_a_letter_without_end_is_cut_off(url: str) -> None:
    port = requests.get(f"{url}/_sim/letters", timeout=60).json()["smtp_port"]
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as line:
        line.ehlo()
        line.mail("a@example.com")
        line.rcpt("b@example.com")
        with pytest.raises((smtplib.SMTPException, OSError)):
            line.data(b"x" * 70 * 2 + b"\r\n" + (b"y" * 900 + b"\r\n") * 1_200)
