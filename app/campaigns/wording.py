"""A campaign's words with the member's filled in: what does not differ from member to member is made once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.messages.channels.content import email_content, sms_content, wechat_content
from app.messages.models import EMAIL, INBOX, OFFICIAL, SMS, WECHAT, SubscribeTemplate
from app.recommendations.pick import BOUGHT_WITH, firsts
from app.texts import say

#: What `content` calls the words of a channel.
PARTS = {WECHAT: "wechat", OFFICIAL: "official", SMS: "sms", EMAIL: "email"}
LANGUAGES = ("zh", "en")
#: The places that stand for the member's own words.
FIELD = re.compile(r"\{(name|tier|points|product)\}")
#: Those that stand for what is given, the same for everybody.
GIFT_FIELD = re.compile(r"\{(coupon|points_given)\}")
_PRODUCT = "{product}"
#: What a short message has room for of a product's name.
_BRIEF = 30
#: Says of a message that it names what was picked by the member's purchases: who refuses that is not sent it any more
#: (app/messages/cancel.py).
PICKED = {"personalised": True}
#: Where points stand in a sentence, with separators as on the rest of the phone. Other fields may take digits only.
_PROSE = ("inbox", "email")

# Points as segments count them: those in the books.
_PEOPLE = text("""
    SELECT m.id, m.language, m.name, t.name_zh, t.name_en, coalesce(a.balance, 0) AS points
    FROM members m JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN ledger_accounts a ON a.member_id = m.id AND a.unit = 'points'
    WHERE m.id = ANY(CAST(:ids AS bigint[]))""")


@dataclass(frozen=True, kw_only=True)
class Person:
    """`words`: by language, what stands for each field; `picked`: the product by what the member bought."""

    member_id: int
    language: str
    words: Mapping[str, Mapping[str, str]]
    picked: bool = False


def words_of(
    name: str, tier_zh: str, tier_en: str, points: int, product: str = ""
) -> dict[str, dict[str, str]]:
    """Who has told no name is addressed as what they are; where nothing is recommended it is something or other."""
    return {
        language: {
            "name": name or say("campaign.nameless", language),
            "tier": tier,
            "points": f"{points:,}",
            "product": product or say("campaign.product", language),
        }
        for language, tier in (("zh", tier_zh), ("en", tier_en))
    }


def people(session: Session, member_ids: Sequence[int], *, with_product: bool) -> list[Person]:
    """`with_product`: what is recommended to each is looked for as well."""
    rows = session.execute(_PEOPLE, {"ids": list(member_ids)}).all()
    first = firsts(session, member_ids) if with_product else {}
    found = []
    for row in rows:
        product = first.get(row.id)
        words = words_of(row.name, row.name_zh, row.name_en, row.points, product.name if product else "")
        picked = product is not None and product.because == BOUGHT_WITH
        found.append(Person(member_id=row.id, language=row.language, words=words, picked=picked))
    return found


def addressed(
    content: Mapping[str, Any], channel: str, page: str | None, person: Person, *, test: bool = False
) -> dict[str, Any]:
    """What the channel's provider is given, in the member's language. Raises `FieldInvalid`, `ContentImpossible`."""
    language = person.language
    words = person.words[language]
    if PARTS.get(channel) not in _PROSE:
        words = _digits(words)
    if channel in (WECHAT, OFFICIAL):
        wechat = content[PARTS[channel]]
        texts = {key: _filled(text, words) for key, text in wechat[language].items()}
        return wechat_content(wechat["template_id"], page, texts)
    if channel == SMS:
        sms = content["sms"][language]
        return sms_content(sms["template"], [_filled(value, _brief(words)) for value in sms["values"]])
    if channel == EMAIL:
        letter = content["email"][language]
        subject = _filled(letter["subject"], words)
        if test:
            subject = say("campaign.test", language, title=subject)
        return email_content(subject, _filled(letter["text"], words))
    return {}


def with_gift(content: Mapping[str, Any], words: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The content with the names of what is given in it, by language; whatever has no word there stays as it is."""
    plain = {language: _digits(own) for language, own in words.items()}
    return {part: _gift_named(told, words if part in _PROSE else plain, {}) for part, told in content.items()}


def names_coupon(content: Mapping[str, Any], channel: str) -> bool:
    """Whether what is said by that channel names the coupon that is given, in each language."""
    part = content.get(PARTS.get(channel, INBOX), {})
    return all("{coupon}" in str(part.get(language)) for language in LANGUAGES)


def names_product(said: object) -> bool:
    """Whether something is recommended there."""
    return _PRODUCT in str(said)


def _digits(words: Mapping[str, str]) -> dict[str, str]:
    """Points without separators."""
    return {
        field: word.replace(",", "") if field.startswith("points") else word for field, word in words.items()
    }


def _brief(words: Mapping[str, str]) -> dict[str, str]:
    """With room for the rest: a product may have a long name."""
    product = words["product"]
    return {**words, "product": product if len(product) <= _BRIEF else product[: _BRIEF - 1].rstrip() + "…"}


def _gift_named(part: Any, words: Mapping[str, Mapping[str, str]], own: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return GIFT_FIELD.sub(lambda found: own.get(found[1], found[0]), part)
    if isinstance(part, list):
        return [_gift_named(one, words, own) for one in part]
    if isinstance(part, Mapping):
        return {key: _gift_named(one, words, words.get(key, own)) for key, one in part.items()}
    return part


def page_of(session: Session, template_id: str | None) -> str | None:
    """Where a tap on the message leads, as the template says now."""
    if template_id is None:
        return None
    pages = select(SubscribeTemplate.page).where(SubscribeTemplate.template_id == template_id)
    return session.execute(pages).scalar_one_or_none()


class Wording:
    """For one channel. `common` is what all messages say, `each` what each says beside."""

    def __init__(
        self, content: Mapping[str, Any], channel: str, page: str | None, *, test: bool = False
    ) -> None:
        self._content, self._channel, self._page, self._test = content, channel, page, test
        inbox = content["inbox"]
        texts = {f"{part}_{lang}": inbox[lang][part] for lang in LANGUAGES for part in ("title", "body")}
        # As the inbox finds them, with the language whose words each takes.
        self._own = [(key, key[-2:], text) for key, text in texts.items() if FIELD.search(text)]
        self.common: dict[str, Any] = {key: text for key, text in texts.items() if not FIELD.search(text)}
        if test:
            self.common["test"] = True
        part = content.get(PARTS.get(channel, ""), {})
        self._fields = {lang: sorted(set(FIELD.findall(str(part.get(lang))))) for lang in LANGUAGES}
        self._with_product = names_product([texts, part])
        # By all that it depends on: most say the same as somebody before them.
        self._made: dict[tuple[str, ...], dict[str, Any] | None] = {}

    def each(self, session: Session, member_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Of whom the words fit the channel; whose do not (a tier's name that WeChat would refuse) is left out."""
        said = {}
        for person in people(session, member_ids, with_product=self._with_product):
            made = self._by_channel(person)
            if made is not None:
                own = {key: _filled(text, person.words[language]) for key, language, text in self._own}
                picked = PICKED if person.picked else {}
                said[person.member_id] = {"language": person.language, **own, **made, **picked}
        return said

    def _by_channel(self, person: Person) -> dict[str, Any] | None:
        words = person.words[person.language]
        key = (person.language, *(words[field] for field in self._fields[person.language]))
        if key not in self._made:
            try:
                self._made[key] = addressed(self._content, self._channel, self._page, person, test=self._test)
            except Invalid:
                self._made[key] = None
        return self._made[key]


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _form(text) % words


@lru_cache(maxsize=64)
def _form(text: str) -> str:
    """For the operator `%`, which fills it in many times faster than a pattern."""
    return FIELD.sub(r"%(\1)s", text.replace("%", "%%"))
