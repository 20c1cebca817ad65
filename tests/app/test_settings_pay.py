"""The settings of WeChat Pay: all or none, keys in the forms they are found in, and the client made of them."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from app.parts import assemble
from app.providers.wechat_pay import WechatPay
from app.settings import SettingsError, load
from tests.conftest import key

KEY = rsa.generate_private_key(65_537, 2_048)
PLATFORM_KEY = rsa.generate_private_key(65_537, 2_048)
SERIAL_NO = 0x5157F09EFDC096DE15EBE81A47057A7232F1B8E1
KEY_ID = "PUB_KEY_ID_0114232134912410000000000000"


def private_pem(form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return KEY.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def public_pem() -> str:
    public = PLATFORM_KEY.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_der() -> bytes:
    public = PLATFORM_KEY.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def inner(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if "-----" not in line)


def certificate(serial_no: int = SERIAL_NO) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(serial_no)
    made = made.public_key(PLATFORM_KEY.public_key())
    made = made.not_valid_before(begins).not_valid_after(begins + timedelta(days=1_826))
    return made.sign(PLATFORM_KEY, SHA256()).public_bytes(Encoding.PEM).decode()


GROUND = {
    "DATABASE_URL": "postgresql+psycopg://app@db/shop",
    "SESSION_KEY": key("s"),
    "CODE_KEYS": f"1:{key('c')}",
    "PHONE_KEYS": f"a:{key('p')}",
    "PHONE_INDEX_KEY": key("i"),
    "POLICY_VERSION": "2026-01",
    "WECHAT_APP_ID": "wx0123456789abcdef",
    "WECHAT_APP_SECRET": "appsecret",
}
PAY = {
    "WECHAT_PAY_MCHID": "1230000109",
    "WECHAT_PAY_SERIAL": "444f4864ea9b34415a1b2c3d4e5f60718293a4b5",
    "WECHAT_PAY_PRIVATE_KEY": private_pem(),
    "WECHAT_PAY_APIV3_KEY": "k9D2mQ7xV4bT1nR8sW5zY3cH6gJ0pLfA",
    "WECHAT_PAY_PUBLIC_KEYS": f"{KEY_ID}:{inner(public_pem())}",
    "WECHAT_PAY_NOTIFY_URL": "https://example.com/callbacks/wechat-pay",
}


def test_without_them_there_are_no_payments() -> None:
    settings = load(GROUND)
    assert settings.wechat_pay_mchid is None
    assert settings.wechat_pay_api_base == "https://api.mch.weixin.qq.com"
    assert assemble(settings).wechat_pay is None


def test_with_all_of_them_there_is_a_client() -> None:
    assert isinstance(assemble(load({**GROUND, **PAY})).wechat_pay, WechatPay)


@pytest.mark.parametrize("missing", sorted(PAY))
def test_one_missing_is_a_fault(missing: str) -> None:
    given = {name: value for name, value in PAY.items() if name != missing}
    with pytest.raises(SettingsError, match=r"WECHAT_PAY_MCHID and .* set all of them or none"):
        load({**GROUND, **given})


def test_payments_need_the_mini_program() -> None:
    ground = {name: value for name, value in GROUND.items() if not name.startswith("WECHAT_")}
    with pytest.raises(SettingsError, match="WECHAT_PAY_MCHID: needs WECHAT_APP_ID"):
        load({**ground, **PAY})


def test_all_faults_are_told_at_once() -> None:
    wrong = dict.fromkeys(PAY, "no")
    with pytest.raises(SettingsError) as refused:
        load({**GROUND, **wrong})
    assert [name for name in PAY if f"{name}: " not in str(refused.value)] == []


@pytest.mark.parametrize(
    "text",
    [
        private_pem(),
        private_pem(PrivateFormat.TraditionalOpenSSL),
        private_pem().replace("\n", "\\n"),
        inner(private_pem()),
    ],
    ids=["PEM", "old PEM", "backslashes", "base64"],
)
def test_the_merchants_key_comes_in_any_of_its_forms(text: str) -> None:
    der = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert load({**GROUND, **PAY, "WECHAT_PAY_PRIVATE_KEY": text}).wechat_pay_private_key == der


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY_ID}:{public_pem()}",
        f"{KEY_ID}:{inner(public_pem())}",
        f" {KEY_ID.lower()} : {public_pem()} ",
    ],
    ids=["PEM", "base64", "spaces"],
)
def test_a_public_key_comes_in_any_of_its_forms(text: str) -> None:
    assert load({**GROUND, **PAY, "WECHAT_PAY_PUBLIC_KEYS": text}).wechat_pay_public_keys == {
        KEY_ID: public_der()
    }


def test_a_certificate_and_a_public_key_stand_side_by_side() -> None:
    serial = f"{SERIAL_NO:X}"
    text = f"{serial}:{certificate()},{KEY_ID}:{public_pem()}"
    keys = load({**GROUND, **PAY, "WECHAT_PAY_PUBLIC_KEYS": text}).wechat_pay_public_keys
    assert keys is not None
    assert list(keys) == [serial, KEY_ID]
    assert set(keys.values()) == {public_der()}


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001/", "http://localhost:8001", "http://[::1]:8001"])
def test_on_this_machine_plain_http_will_do(url: str) -> None:
    names = ("WECHAT_PAY_API_BASE", "WECHAT_PAY_NOTIFY_URL")
    settings = load({**GROUND, **PAY, **dict.fromkeys(names, url)})
    assert settings.wechat_pay_api_base == settings.wechat_pay_notify_url == url.rstrip("/")


def small_key() -> str:
    small = rsa.generate_private_key(65_537, 1_024)  # too short is the point
    return small.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def curve_key() -> str:
    curve = ec.generate_private_key(ec.SECP256R1())
    return curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WECHAT_PAY_MCHID", "secretvalue"),
        ("WECHAT_PAY_MCHID", "1" * 33),
        ("WECHAT_PAY_SERIAL", "secretvalue"),
        ("WECHAT_PAY_PRIVATE_KEY", "secretvalue"),
        ("WECHAT_PAY_PRIVATE_KEY", small_key()),
        ("WECHAT_PAY_PRIVATE_KEY", curve_key()),
        ("WECHAT_PAY_PRIVATE_KEY", public_pem()),
        ("WECHAT_PAY_APIV3_KEY", "secretvalue"),
        ("WECHAT_PAY_APIV3_KEY", "secretvalue" + "!" * 21),
        ("WECHAT_PAY_APIV3_KEY", "secretvalue" + "é" * 21),
        ("WECHAT_PAY_PUBLIC_KEYS", "secretvalue"),
        ("WECHAT_PAY_PUBLIC_KEYS", f"{KEY_ID}:secretvalue"),
        ("WECHAT_PAY_PUBLIC_KEYS", f"{KEY_ID}:{base64.b64encode(b'secretvalue').decode()}"),
        ("WECHAT_PAY_PUBLIC_KEYS", f"{KEY_ID}:{inner(private_pem())}"),
        ("WECHAT_PAY_PUBLIC_KEYS", f"{KEY_ID}:{public_pem()},{KEY_ID}:{public_pem()}"),
        ("WECHAT_PAY_PUBLIC_KEYS", f"secretvalue:{public_pem()}"),
        ("WECHAT_PAY_PUBLIC_KEYS", f"{SERIAL_NO + 1:X}:{certificate()}"),
        ("WECHAT_PAY_PUBLIC_KEYS", f"{KEY_ID}:{certificate()}"),
        ("WECHAT_PAY_NOTIFY_URL", "http://example.com/secretvalue"),
        ("WECHAT_PAY_NOTIFY_URL", "https://example.com/?a=secretvalue"),
        ("WECHAT_PAY_NOTIFY_URL", "https://user:secretvalue@example.com/"),
        ("WECHAT_PAY_NOTIFY_URL", "https://example.com:secretvalue/"),
        ("WECHAT_PAY_NOTIFY_URL", "https://" + "x" * 300),
        ("WECHAT_PAY_API_BASE", "http://api.mch.weixin.qq.com"),
        ("WECHAT_PAY_API_BASE", "https://"),
    ],
    ids=lambda text: text[:30],
)
def test_what_cannot_be_right_is_refused_without_quoting_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: ") as refused:
        load({**GROUND, **PAY, name: value})
    assert "secretvalue" not in str(refused.value)
    assert inner(private_pem())[:40] not in str(refused.value)
    assert refused.value.__cause__ is None


def test_settings_show_no_key() -> None:
    shown = repr(load({**GROUND, **PAY}))
    assert PAY["WECHAT_PAY_APIV3_KEY"] not in shown
    assert "private_key" not in shown
