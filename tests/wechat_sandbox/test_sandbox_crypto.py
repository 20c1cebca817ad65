"""The push's crypto and the session signatures, against the documentation's own examples and against wechatpy."""

import hashlib
import hmac
import warnings
from typing import Any

import pytest

from wechat_sandbox.push_crypto import decrypt, encrypt, signature

APP_ID = "wxba5fad812f8e6fb9"
AES_KEY = "A" * 43
TOKEN = "AAAAA"
ENCRYPTED = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsX"
    "UnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajA"
    "sjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
MESSAGE = (
    '{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,'
    '"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
)


def test_the_documented_address_check_has_the_documented_signature() -> None:
    assert signature(TOKEN, "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


def test_the_documented_push_decrypts_and_its_signature_fits() -> None:
    assert decrypt(ENCRYPTED, aes_key=AES_KEY) == (MESSAGE, APP_ID)
    made = signature(TOKEN, "1714112445", "415670741", ENCRYPTED)
    assert made == "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"


def test_encrypting_gives_the_documented_bytes() -> None:
    push = encrypt(MESSAGE, aes_key=AES_KEY, app_id=APP_ID, prefix=b"a8eedb185eb2fecf")
    assert push == ENCRYPTED
    reply = encrypt('{"demo_resp":"good luck"}', aes_key=AES_KEY, app_id=APP_ID, prefix=b"707722b803182950")
    assert reply == "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 31, 32, 33, 1000])
def test_every_length_pads_to_whole_blocks_and_comes_back(length: int) -> None:
    encrypted = encrypt("会" * length, aes_key=AES_KEY, app_id=APP_ID, prefix=b"0" * 16)
    assert decrypt(encrypted, aes_key=AES_KEY) == ("会" * length, APP_ID)
    assert wechatpy_crypto().decrypt_message(
        f"<xml><Encrypt>{encrypted}</Encrypt></xml>",
        signature(TOKEN, "1", "2", encrypted),
        "1",
        "2",
    ) == ("会" * length if length else "")


@pytest.mark.parametrize("encrypted", ["", "AAAA", "A" * 43 + "=", "not base64!"])
def test_what_was_not_encrypted_here_is_refused(encrypted: str) -> None:
    with pytest.raises(ValueError):
        decrypt(encrypted, aes_key=AES_KEY)


def test_the_session_key_signs_as_text_in_the_documented_examples() -> None:
    """The reading behind session_key: base64 text, not the 16 bytes it stands for."""
    signed = hmac.new(b"o0q0otL8aEzpcZL/FT9WsQ==", b'{"foo":"bar"}', hashlib.sha256).hexdigest()
    assert signed == "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b"
    raw = (
        '{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN",'
        '"avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiayc'
        'AjAtpujxyzYsrztuuICqIM5ibXQ/0"}'
    )
    made = hashlib.sha1((raw + "HyVFkGl5F5OQWJZZaNzBBg==").encode()).hexdigest()
    assert made == "75e81ceda165f4ffa64f4068af58c64b8f54b88c"


def wechatpy_crypto() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from wechatpy.crypto import WeChatCrypto
    return WeChatCrypto(TOKEN, AES_KEY, APP_ID)
