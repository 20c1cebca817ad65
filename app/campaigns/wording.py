"""A campaign's words with the member's filled in: what does not differ from member to member is made once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.messages.channels.content import email_content, sms_content, wechat_content
from app.messages.models import EMAIL, OFFICIAL, SMS, WECHAT, SubscribeTemplate
from app.texts import say

#: What `content` calls the words of a channel.
PARTS = {WECHAT: "wechat", OFFICIAL: "official", SMS: "sms", EMAIL: "email"}
LANGUAGES = ("zh", "en")
#: The places that stand for the member's own words.
FIELD = re.compile(r"\{(name|tier|points)\}")

# Points as segments count them: those in the books.
_PEOPLE = text("""
    SELECT m.id, m.language, m.name, t.name_zh, t.name_en, coalesce(a.balance, 0) AS points
    FROM members m JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN ledger_accounts a ON a.member_id = m.id AND a.unit = 'points'
    WHERE m.id = ANY(CAST(:ids AS bigint[]))""")


@dataclass(frozen=True, kw_only=True)
class Person:
    """`words`: by language, what stands for each field."""

    member_id: int
    language: str
    words: Mapping[str, Mapping[str, str]]


def words_of(name: str, tier_zh: str, tier_en: str, points: int) -> dict[str, dict[str, str]]:
    """Who has told no name is addressed as what they are."""
    return {
        "zh": {"name": name or say("campaign.nameless", "zh"), "tier": tier_zh, "points": str(points)},
        "en": {"name": name or say("campaign.nameless", "en"), "tier": tier_en, "points": str(points)},
    }


def people(session: Session, member_ids: Sequence[int]) -> list[Person]:
    rows = session.execute(_PEOPLE, {"ids": list(member_ids)})
    return [
        Person(
            member_id=row.id,
            language=row.language,
            words=words_of(row.name, row.name_zh, row.name_en, row.points),
        )
        for row in rows
    ]


def addressed(
    content: Mapping[str, Any], channel: str, page: str | None, person: Person, *, test: bool = False
) -> dict[str, Any]:
    """What the channel's provider is given, in the member's language. Raises `FieldInvalid`, `ContentImpossible`."""
    language = person.language
    words = person.words[language]
    if channel in (WECHAT, OFFICIAL):
        wechat = content[PARTS[channel]]
        texts = {key: _filled(text, words) for key, text in wechat[language].items()}
        # Where a tap leads: the brand's own template says it, of the account's template the campaign.
        return wechat_content(wechat["template_id"], wechat.get("page", page), texts)
    if channel == SMS:
        sms = content["sms"][language]
        return sms_content(sms["template"], [_filled(value, words) for value in sms["values"]])
    if channel == EMAIL:
        letter = content["email"][language]
        subject = _filled(letter["subject"], words)
        if test:
            subject = say("campaign.test", language, title=subject)
        return email_content(subject, _filled(letter["text"], words))
    return {}


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
        self._inbox = {
            (part, language): inbox[language][part] for language in LANGUAGES for part in ("title", "body")
        }
        self._varies = any(FIELD.search(text) for text in self._inbox.values())
        self._made: dict[str, dict[str, Any]] = {}
        self.common: dict[str, Any] = {} if self._varies else {**_keyed(self._inbox)}
        if test:
            self.common["test"] = True

    def each(self, session: Session, member_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Of whom the words fit the channel; whose do not (a tier's name that WeChat would refuse) is left out."""
        said = {}
        for person in people(session, member_ids):
            own = self._own(person)
            if own is not None:
                said[person.member_id] = own
        return said

    def _own(self, person: Person) -> dict[str, Any] | None:
        own: dict[str, Any] = {"language": person.language}
        if self._varies:
            own |= _keyed({at: _filled(text, person.words[at[1]]) for at, text in self._inbox.items()})
        made = self._made.get(person.language)
        if made is None:
            try:
                made = addressed(self._content, self._channel, self._page, person, test=self._test)
            except Invalid:
                return None
            if not self._differs(person.language):
                self._made[person.language] = made
        return own | made

    def _differs(self, language: str) -> bool:
        """Whether what the channel says in that language has fields."""
        part = PARTS.get(self._channel)
        return part is not None and FIELD.search(str(self._content[part][language])) is not None


def _filled(text: str, words: Mapping[str, str]) -> str:
    return FIELD.sub(lambda found: words[found[1]], text)


def _keyed(texts: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """As the inbox finds them: `title_zh`."""
    return {"_".join(at): text for at, text in texts.items()}
