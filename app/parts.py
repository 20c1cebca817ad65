"""What the product is put together from: made once by wsgi.py, handed to whoever needs a piece of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.checkout.member_code import CodeIssuer
from app.clock import now
from app.coupons.code import PREFIX, PURPOSE, CouponCodes
from app.engagement.lottery_seed import SeedVault
from app.feedback.thread import words
from app.identity.login import Terms
from app.identity.platforms import Platform
from app.identity.platforms.telegram import Telegram
from app.identity.platforms.wechat_mini import WechatMini
from app.members.phones import PhoneVault
from app.messages.channels import Channel, NotSetUp
from app.messages.channels.mail import Mail
from app.messages.channels.official_account import OfficialAccount
from app.messages.channels.sms import Sms
from app.messages.channels.wechat_service import WechatService
from app.messages.channels.wechat_subscribe import WechatSubscribe
from app.messages.epoch import Epoch
from app.messages.models import EMAIL, OFFICIAL, SERVICE, SMS, WECHAT
from app.messages.outlets import Outlet
from app.messages.unsubscribe import Unsubscribe
from app.providers.places import Places
from app.providers.sms import SmsAccount, TencentSms
from app.providers.smtp import MailServer
from app.providers.wechat import WechatClient
from app.providers.wechat.push import PushReader
from app.providers.wechat_pay import Merchant, WechatPay
from app.settings import Settings, SettingsError
from app.throttle import Throttle
from scan_codes import KeyRing, KeyRingError, check_prefix


@dataclass(frozen=True, kw_only=True)
class Parts:
    settings: Settings
    issuer: CodeIssuer
    phones: PhoneVault
    seeds: SeedVault
    platforms: Mapping[str, Platform]
    terms: Terms
    throttle: Throttle
    redis: redis.Redis | None
    wechat: WechatClient | None
    wechat_push: PushReader | None
    official: WechatClient | None
    official_push: PushReader | None
    wechat_pay: WechatPay | None
    epoch: Epoch
    unsubscribe: Unsubscribe
    outlets: Mapping[str, Outlet]


#: How old what a Telegram app hands over may be: it is made when the app opens, and we remember it as long.
TELEGRAM_MAX_AGE_S = 300
_REDIS_TIMEOUT_S = 0.5


def assemble(settings: Settings) -> Parts:
    """Make the parts from the settings; connects to nothing yet. Raises `SettingsError` for unusable keys."""
    server = None
    if settings.redis_url is not None:
        server = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=_REDIS_TIMEOUT_S,
            socket_connect_timeout=_REDIS_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # its own retries would hold a request for many seconds
        )
    wechat, push = _wechat(settings, server)
    official, official_push = _official(settings, server)
    phones, epoch = PhoneVault(settings.phone_keys, settings.phone_index_key), Epoch(server)
    unsubscribe = Unsubscribe(settings.session_key, settings.public_url or "")
    return Parts(
        settings=settings,
        issuer=_issuer(settings),
        phones=phones,
        seeds=SeedVault(settings.phone_keys),
        platforms=_platforms(settings, wechat),
        terms=Terms(policy_version=settings.policy_version, session_days=settings.member_session_days),
        throttle=Throttle(settings.redis_url),
        redis=server,
        wechat=wechat,
        wechat_push=push,
        official=official,
        official_push=official_push,
        wechat_pay=_wechat_pay(settings),
        epoch=epoch,
        unsubscribe=unsubscribe,
        outlets=_outlets(settings, wechat, official, phones, unsubscribe, epoch),
    )


def _outlets(
    settings: Settings,
    wechat: WechatClient | None,
    official: WechatClient | None,
    phones: PhoneVault,
    unsubscribe: Unsubscribe,
    outside: Epoch,
) -> dict[str, Outlet]:
    """Every channel that leads through a provider, by name; what is not set up waits for an operator."""
    channels: tuple[Channel, ...] = (
        _subscribe(settings, wechat),
        _official_account(settings, official, phones),
        _service(settings, wechat),
        _sms(settings, phones),
        _mail(settings, phones, unsubscribe),
    )
    rates = settings.sends_per_second
    return {
        channel.name: Outlet(channel=channel, per_second=rates[channel.name], outside=outside)
        for channel in channels
    }


def _subscribe(settings: Settings, wechat: WechatClient | None) -> Channel:
    if wechat is None:
        return NotSetUp(WECHAT)
    return WechatSubscribe(
        tokens=wechat.tokens,
        app_id=settings.wechat_app_id,
        base_url=settings.wechat_api_base,
        page_state=settings.wechat_page_state,
        receipt_fields=settings.wechat_receipt_fields,
    )


def _service(settings: Settings, wechat: WechatClient | None) -> Channel:
    if wechat is None:
        return NotSetUp(SERVICE)
    return WechatService(
        tokens=wechat.tokens, app_id=settings.wechat_app_id, base_url=settings.wechat_api_base, words=words
    )


def _official_account(settings: Settings, official: WechatClient | None, phones: PhoneVault) -> Channel:
    if official is None:
        return NotSetUp(OFFICIAL)
    return OfficialAccount(
        tokens=official.tokens,
        app_id=official.appid,
        mini_app_id=settings.wechat_app_id,
        base_url=settings.wechat_api_base,
        vault=phones,
    )


def _sms(settings: Settings, phones: PhoneVault) -> Channel:
    secret_id, secret_key = settings.sms_secret_id, settings.sms_secret_key
    app_id, signature = settings.sms_app_id, settings.sms_signature
    if secret_id is None or secret_key is None or app_id is None or signature is None:
        return NotSetUp(SMS)
    account = SmsAccount(
        secret_id=secret_id,
        secret_key=secret_key,
        app_id=app_id,
        signature=signature,
        region=settings.sms_region,
    )
    return Sms(client=TencentSms(account, clock=now, base_url=settings.sms_api_base), phones=phones)


def _mail(settings: Settings, phones: PhoneVault, unsubscribe: Unsubscribe) -> Channel:
    if settings.smtp_host is None or settings.smtp_from is None:
        return NotSetUp(EMAIL)
    server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        user=settings.smtp_user,
        password=settings.smtp_password,
    )
    return Mail(
        server=server,
        sender=settings.smtp_from,
        brand=settings.brand_name,
        vault=phones,
        unsubscribe=unsubscribe,
    )


def _issuer(settings: Settings) -> CodeIssuer:
    try:
        return CodeIssuer(
            ring=KeyRing.parse(settings.code_keys),
            prefix=_own_prefix(settings.code_prefix),
            coupons=CouponCodes(ring=KeyRing.parse(settings.code_keys, purpose=PURPOSE)),
        )
    except KeyRingError as fault:
        raise SettingsError(f"CODE_KEYS: {fault}") from None
    except ValueError as fault:
        raise SettingsError(f"CODE_PREFIX: {fault}") from None


def _own_prefix(prefix: str) -> str:
    if prefix == PREFIX:
        raise ValueError(f"{PREFIX} is how codes of coupons begin")
    return check_prefix(prefix)


def _platforms(settings: Settings, wechat: WechatClient | None) -> dict[str, Platform]:
    platforms: list[Platform] = []
    if wechat is not None:
        platforms.append(WechatMini(wechat))
    if settings.telegram_bot_token is not None:
        try:
            platforms.append(Telegram(settings.telegram_bot_token, TELEGRAM_MAX_AGE_S))
        except ValueError as fault:
            raise SettingsError(f"TELEGRAM_BOT_TOKEN: {fault}") from None
    return {platform.name: platform for platform in platforms}


def _wechat(settings: Settings, server: redis.Redis | None) -> tuple[WechatClient | None, PushReader | None]:
    if settings.wechat_app_id is None or settings.wechat_app_secret is None:
        return None, None
    client = WechatClient(
        settings.wechat_app_id,
        settings.wechat_app_secret,
        shared=server,
        clock=now,
        base_url=settings.wechat_api_base,
        # As many connections as threads (docs/config.md); half of them stay for tills and everybody else.
        places=Places.half_of(settings.db_pool_size),
    )
    token, aes_key = settings.wechat_callback_token, settings.wechat_callback_aes_key
    return client, _reader("WECHAT", settings.wechat_app_id, token, aes_key)


def _official(
    settings: Settings, server: redis.Redis | None
) -> tuple[WechatClient | None, PushReader | None]:
    """The same of the official account: an app of its own, with a token of its own."""
    if settings.official_app_id is None or settings.official_app_secret is None:
        return None, None
    client = WechatClient(
        settings.official_app_id,
        settings.official_app_secret,
        shared=server,
        clock=now,
        base_url=settings.wechat_api_base,
    )
    token, aes_key = settings.official_callback_token, settings.official_callback_aes_key
    return client, _reader("OFFICIAL", settings.official_app_id, token, aes_key)


def _reader(name: str, app_id: str, token: str | None, aes_key: str | None) -> PushReader | None:
    if token is None or aes_key is None:
        return None
    try:
        return PushReader(app_id, token=token, encoding_aes_key=aes_key)
    except ValueError as fault:
        raise SettingsError(f"{name}_CALLBACK_AES_KEY: {fault}") from None


def _wechat_pay(settings: Settings) -> WechatPay | None:
    appid, mchid, serial = settings.wechat_app_id, settings.wechat_pay_mchid, settings.wechat_pay_serial
    private_key, apiv3_key = settings.wechat_pay_private_key, settings.wechat_pay_apiv3_key
    public_keys, notify_url = settings.wechat_pay_public_keys, settings.wechat_pay_notify_url
    if appid is None or mchid is None or serial is None or private_key is None:
        return None
    if apiv3_key is None or public_keys is None or notify_url is None:
        return None
    merchant = Merchant(
        appid=appid,
        mchid=mchid,
        serial=serial,
        private_key=private_key,
        apiv3_key=apiv3_key,
        public_keys=public_keys,
        notify_url=notify_url,
    )
    return WechatPay(
        merchant,
        clock=now,
        base_url=settings.wechat_pay_api_base,
        places=Places.half_of(settings.db_pool_size),
    )
