"""Who agreed to which message, and what arrived on their phones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from wechat_sandbox.config import LONG_TERM, Template
from wechat_sandbox.users import User


@dataclass(frozen=True)
class Message:
    """One message as the phone shows it; ``fields`` are label and value, in template order.

    ``account`` is ``mini`` (a subscribe message) or ``official`` (a template message).
    """

    msgid: int
    template_id: str
    title: str
    fields: tuple[tuple[str, str], ...]
    values: dict[str, str]
    page: str
    state: str
    lang: str
    sent_at: float
    account: str = "mini"


class Subscriptions:
    """Credits: each accept of a one-time template is good for one send, and they add up without end."""

    def __init__(self) -> None:
        self._credits: Counter[tuple[str, str]] = Counter()
        self._standing: set[tuple[str, str]] = set()
        self._inboxes: dict[str, list[Message]] = {}
        self.granted = 0
        self.used = 0

    def accept(self, user: User, template: Template, times: int = 1) -> None:
        """The person accepted, ``times`` times; for a long-term template once is for good."""
        if template.kind == LONG_TERM:
            self._standing.add((user.openid, template.id))
        else:
            self._credits[user.openid, template.id] += times
            self.granted += times

    def refuse_in_settings(self, user: User, template: Template) -> None:
        """The person turned the message off in the settings: all credits are gone."""
        self._standing.discard((user.openid, template.id))
        self._credits.pop((user.openid, template.id), None)

    def credits(self, user: User, template: Template) -> int | None:
        """How many sends are left; None means without limit (long-term, accepted)."""
        if (user.openid, template.id) in self._standing:
            return None
        return self._credits[user.openid, template.id]

    def spend(self, user: User, template: Template) -> bool:
        """Take one credit; False when there is none."""
        left = self.credits(user, template)
        if left is None:
            return True
        if left == 0:
            return False
        self._credits[user.openid, template.id] -= 1
        self.used += 1
        return True

    def deliver(self, user: User, message: Message) -> None:
        """Put a message on the person's phone."""
        self._inboxes.setdefault(user.openid, []).append(message)

    def lose(self, user: User, msgid: int) -> Message | None:
        """Take a message that was accepted off the phone again, as if it had never got there; None: there is none."""
        kept = self._inboxes.get(user.openid, [])
        lost = next((message for message in kept if message.msgid == msgid), None)
        if lost is not None:
            kept.remove(lost)
        return lost

    def inbox(self, user: User) -> list[Message]:
        """What the person received, oldest first."""
        return list(self._inboxes.get(user.openid, ()))

    def forget_counts(self) -> None:
        """Start the counts of granted and used credits again; the credits themselves stay."""
        self.granted = self.used = 0
