"""The demo's secrets: made once, kept in a file that only its owner can read."""

import base64
import json
import secrets
import string
from dataclasses import asdict, dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from demo.errors import DemoError
from demo.folder import Folder, write_private

#: What WeChat's console makes its EncodingAESKey of.
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits


@dataclass(frozen=True, kw_only=True)
class Keys:
    """`till_keys` are the API keys by till (`S001/T1`), empty until the shops are set up."""

    session_key: str = field(repr=False)
    code_keys: str = field(repr=False)
    phone_keys: str = field(repr=False)
    phone_index_key: str = field(repr=False)
    metrics_token: str = field(repr=False)
    wechat_app_id: str
    wechat_app_secret: str = field(repr=False)
    callback_token: str = field(repr=False)
    callback_aes_key: str = field(repr=False)
    pay_private_key: str = field(repr=False)
    pay_apiv3_key: str = field(repr=False)
    password: str = field(repr=False)
    # Younger than the others: a folder of an earlier version gets them at the next start.
    official_app_id: str = field(default_factory=lambda: f"wx{secrets.token_hex(8)}")
    official_app_secret: str = field(repr=False, default_factory=lambda: secrets.token_hex(16))
    sms_secret_key: str = field(repr=False, default_factory=lambda: secrets.token_hex(16))
    till_keys: dict[str, str] = field(repr=False, default_factory=dict)


def load_or_make(folder: Folder) -> Keys:
    """The keys of this folder. Raises `DemoError` for a file that cannot be read."""
    try:
        stored = json.loads(folder.secrets.read_text("utf-8"))
        keys = Keys(**stored)
        if stored.keys() < asdict(keys).keys():
            save(folder, keys)
        return keys
    except FileNotFoundError:
        keys = _made()
        save(folder, keys)
        return keys
    except (OSError, ValueError, TypeError):
        raise DemoError(
            f"{folder.secrets} cannot be read; start over with: make demo-reset",
            f"无法读取 {folder.secrets}；请运行 make demo-reset 重新开始",
        ) from None


def save(folder: Folder, keys: Keys) -> None:
    write_private(folder.secrets, json.dumps(asdict(keys), indent=2) + "\n")


def with_till_keys(keys: Keys, till_keys: dict[str, str]) -> Keys:
    return replace(keys, till_keys=till_keys)


def _made() -> Keys:
    return Keys(
        session_key=_random_key(),
        code_keys=f"1:{_random_key()}",
        phone_keys=f"a1:{_random_key()}",
        phone_index_key=_random_key(),
        metrics_token=secrets.token_urlsafe(24),
        wechat_app_id=f"wx{secrets.token_hex(8)}",
        wechat_app_secret=secrets.token_hex(16),
        callback_token=secrets.token_hex(16),
        callback_aes_key="".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(43)),
        pay_private_key=_random_rsa_key(),
        pay_apiv3_key="".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(32)),
        password=f"lotus-{secrets.token_hex(2)}-{secrets.token_hex(2)}",
    )


def _random_rsa_key() -> str:
    """What stands between the lines of a PEM file, in one line."""
    key = rsa.generate_private_key(65_537, 2_048)
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
