"""What a campaign says: by its channel and in the inbox, in both languages; checked before anybody is asked to agree.

    {"inbox":  {"zh": {"title", "body"}, "en": …}}          always: who was not reached after all finds it there
    {"wechat": {"template_id", "zh": {"thing1": …}, "en": …}}
    {"official": the same of a template of the official account, and "page": where a tap on it leads, if anywhere}
    {"sms":    {"zh": {"template", "values"}, "en": …}}
    {"email":  {"zh": {"subject", "text"}, "en": …}}

`{name}`, `{tier}` and `{points}` stand for the member's, `{product}` for what is recommended to them, `{coupon}` and
`{points_given}` for what each is given, if anything; there are no other braces.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.wording import (
    FIELD,
    GIFT_FIELD,
    LANGUAGES,
    PARTS,
    Person,
    addressed,
    with_gift,
    words_of,
)
from app.errors import Invalid
from app.messages.models import OFFICIAL, SMS, WECHAT, SubscribeTemplate
from app.providers.wechat.fields import FieldInvalid, fit_fields
from app.tiers.models import Tier
from app.typed import convert

#: As long as a member's words may be: what must not be shortened has to have room for them.
_LONGEST_NAME, _MOST_POINTS, _LONGEST_PRODUCT = "名" * 32, 999_999_999, "品" * 120

_Title = Annotated[str, Meta(min_length=1, max_length=60)]
_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_Value = Annotated[str, Meta(min_length=1, max_length=100)]


class CampaignMalformed(Invalid):
    """Data: `field`, what does not fit, of the content the place in it; `reason`, what is wrong there."""

    code = "campaign_malformed"


def misfit(fault: str, field: str) -> CampaignMalformed:
    """With words for it in app/texts/malformed_campaigns.py."""
    return CampaignMalformed(field=field, reason=f"{fault} - at `$.{field}`")


def misread(error: msgspec.ValidationError, field: str) -> tuple[str, str]:
    """What the reader of types found wrong in the field, and at which place."""
    fault, _, at = str(error).partition(" - at `$")
    return fault, f"{field}{at.removesuffix('`')[:120]}"


class _Told(Struct, frozen=True, forbid_unknown_fields=True):
    title: _Title
    body: Annotated[str, Meta(min_length=1, max_length=1_000)]


class _Inbox(Struct, frozen=True, forbid_unknown_fields=True):
    zh: _Told
    en: _Told


class _Wechat(Struct, frozen=True, forbid_unknown_fields=True):
    template_id: _Id
    zh: Annotated[dict[str, _Value], Meta(min_length=1, max_length=5)]
    en: Annotated[dict[str, _Value], Meta(min_length=1, max_length=5)]


class _Official(_Wechat, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    page: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class _Text(Struct, frozen=True, forbid_unknown_fields=True):
    template: _Id
    values: Annotated[list[_Value], Meta(max_length=12)]


class _Sms(Struct, frozen=True, forbid_unknown_fields=True):
    zh: _Text
    en: _Text


class _Letter(Struct, frozen=True, forbid_unknown_fields=True):
    subject: Annotated[str, Meta(min_length=1, max_length=100)]
    text: Annotated[str, Meta(min_length=1, max_length=20_000)]


class _Email(Struct, frozen=True, forbid_unknown_fields=True):
    zh: _Letter
    en: _Letter


class Content(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    inbox: _Inbox
    wechat: _Wechat | None = None
    official: _Official | None = None
    sms: _Sms | None = None
    email: _Email | None = None


#: What is given, when nothing is.
_NOTHING: Mapping[str, Mapping[str, str]] = {language: {} for language in LANGUAGES}


def read(
    session: Session,
    data: object,
    channel: str,
    gift: Mapping[str, Mapping[str, str]] = _NOTHING,
) -> dict[str, Any]:
    """The content as it is kept; `gift` by language what stands for each field of what is given.

    Raises `CampaignMalformed`.
    """
    try:
        content = msgspec.to_builtins(convert(data, Content))
    except msgspec.ValidationError as error:
        raise misfit(*misread(error, "content")) from None
    wanted = {"inbox", *((PARTS[channel],) if channel in PARTS else ())}
    for part in sorted(wanted ^ set(content)):
        fault = "the channel needs it" if part in wanted else "it belongs to another channel"
        raise misfit(fault, f"content.{part}")
    named = with_gift(content, gift)
    for (place, text), (_, filled) in zip(_texts(content, "content"), _texts(named, "content"), strict=True):
        _check_text(place, text, GIFT_FIELD.search(filled) is None)
    if channel == WECHAT:
        _check_template(session, content["wechat"])
    _check_filled(session, named, channel)
    return dict(content)


def template_of(content: Mapping[str, Any], channel: str) -> str | None:
    """WeChat's id of the template by which it is told."""
    return str(content["wechat"]["template_id"]) if channel == WECHAT else None


def _texts(part: object, place: str) -> Iterator[tuple[str, str]]:
    """Every text in it and where."""
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from _texts(value, f"{place}.{key}")
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from _texts(value, f"{place}[{number}]")


def _check_text(place: str, text: str, all_is_given: bool) -> None:
    """No control characters but, in what has lines, their ends; no braces but those of the fields, and of a gift only
    what is given."""
    plain = FIELD.sub("", GIFT_FIELD.sub("", text) if all_is_given else text)
    lines = place.endswith((".body", ".text"))
    printable = (plain.replace("\n", "") if lines else plain).isprintable()
    if not text.strip():
        raise misfit("blank", place)
    if not printable:
        raise misfit("signs that cannot be shown", place)
    if "{" in plain or "}" in plain:
        raise misfit("braces that stand for nothing here", place)


def _check_template(session: Session, wechat: Mapping[str, Any]) -> None:
    """One of the brand's that is in use for marketing, with all of its fields and no others."""
    found = session.execute(
        select(SubscribeTemplate.fields).where(
            SubscribeTemplate.template_id == wechat["template_id"],
            SubscribeTemplate.active,
            SubscribeTemplate.category == "marketing",
        )
    ).scalar_one_or_none()
    if found is None:
        raise misfit("no template that is in use for marketing", "content.wechat.template_id")
    keys = {field["key"] for field in found}
    for language in LANGUAGES:
        if set(wechat[language]) != keys:
            raise misfit("not the fields of the template", f"content.wechat.{language}")


def _check_filled(session: Session, content: Mapping[str, Any], channel: str) -> None:
    """What the provider would refuse of anybody is refused here; tried with each tier, and the longest words."""
    if channel not in PARTS:
        return
    if channel in (WECHAT, OFFICIAL):
        _check_lengths(content[PARTS[channel]], f"content.{PARTS[channel]}")
    for tier in session.execute(select(Tier.name_zh, Tier.name_en)):
        for name, points, product in ((_LONGEST_NAME, _MOST_POINTS, _LONGEST_PRODUCT), ("", 0, "")):
            for language in LANGUAGES:
                person = Person(
                    member_id=0,
                    language=language,
                    words=words_of(name, tier.name_zh, tier.name_en, points, product),
                )
                try:
                    addressed(content, channel, content[PARTS[channel]].get("page"), person)
                except Invalid as fault:
                    raise _unsendable(channel, language, fault) from fault


def _unsendable(channel: str, language: str, fault: Invalid) -> CampaignMalformed:
    """What the channel would not take, at the place where whoever wrote it finds it."""
    if channel == SMS:
        return misfit("not what an SMS takes", f"content.sms.{language}")
    field = str(fault.data["field"])
    told = "" if field in ("template_id", "page") else f".{language}"
    place = f"content.{PARTS[channel]}{told}.{field}"
    if isinstance(fault, FieldInvalid):
        return misfit("not what WeChat takes in such a field", place)
    return misfit("empty, too long, or not to be sent", place)


def _check_lengths(part: Mapping[str, Any], place: str) -> None:
    """Prose is shortened for the sake of a long name. What would be without one as well is refused."""
    for language in LANGUAGES:
        for key, text in part[language].items():
            shortest = FIELD.sub("一", text)
            if (
                key.startswith(("thing", "name"))
                and fit_fields({key: shortest})[key]["value"] != shortest.strip()
            ):
                raise misfit("longer than WeChat shows", f"{place}.{language}.{key}")
