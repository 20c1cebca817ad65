"""What a pushed event looks like, as XML and in the three JSON shapes that are documented or were reported.

``bare``: popup and change hold an array under the event's own key, sent holds {"List": {…}} (older pages).
``wrapped``: the same key holds {"List": …}, an object for one item, an array for several.
``flat``: "List" stands at the top, an object for one item, an array for several (newer page, seen on the wire).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

#: Events that carry what they have to say as values of their own, beside the head.
_PLAIN: Final = {
    "subscribe": "subscribe",
    "unsubscribe": "unsubscribe",
    "finished": "TEMPLATESENDJOBFINISH",
    "enter": "user_enter_tempsession",
    "text": "",
}
_KEYS: Final = {
    "popup": "SubscribeMsgPopupEvent",
    "change": "SubscribeMsgChangeEvent",
    "sent": "SubscribeMsgSentEvent",
}
_NUMBERS: Final = {"PopupScene", "MsgID", "MsgId", "ErrorCode"}


@dataclass(frozen=True)
class Event:
    """Something that happened on a phone. ``kind`` is popup, change or sent, or one of the official account's."""

    kind: str
    openid: str
    created_at: int
    items: tuple[dict[str, str], ...]

    @property
    def name(self) -> str:
        """The name on the wire."""
        return _PLAIN.get(self.kind, f"subscribe_msg_{self.kind}_event")


def render(event: Event, *, account: str, format: str, json_shape: str) -> str:
    """The plain text of a push, before it is encrypted. ``account`` is the mini-program's gh_ id."""
    return _xml(event, account) if format == "xml" else _json(event, account, json_shape)


def envelope(encrypted: str, *, account: str, format: str) -> str:
    """The body that travels in safe mode."""
    if format == "xml":
        return f"<xml>{_element('ToUserName', account)}{_element('Encrypt', encrypted)}</xml>"
    return json.dumps({"ToUserName": account, "Encrypt": encrypted})


def _xml(event: Event, account: str) -> str:
    items = "".join(
        "<List>" + "".join(_element(name, value) for name, value in item.items()) + "</List>"
        for item in event.items
    )
    if event.kind in _PLAIN:
        told = "".join(_element(name, value) for item in event.items for name, value in item.items())
    else:
        key = _KEYS[event.kind]
        told = f"<{key}>{items}</{key}>"
    return (
        f"<xml>{_element('ToUserName', account)}{_element('FromUserName', event.openid)}"
        f"<CreateTime>{event.created_at}</CreateTime>"
        f"{''.join(_element(name, value) for name, value in _kind(event).items())}{told}</xml>"
    )


def _kind(event: Event) -> dict[str, str]:
    return {"MsgType": "text"} if event.kind == "text" else {"MsgType": "event", "Event": event.name}


def _element(name: str, value: str) -> str:
    if name in _NUMBERS:
        return f"<{name}>{value}</{name}>"
    safe = value.replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{safe}]]></{name}>"


def _json(event: Event, account: str, shape: str) -> str:
    several = list(event.items)
    single_or_several: object = several[0] if len(several) == 1 else several
    head: dict[str, object] = {
        "ToUserName": account,
        "FromUserName": event.openid,
        "CreateTime": event.created_at if shape == "flat" else str(event.created_at),
        **_kind(event),
    }
    if event.kind in _PLAIN:
        return json.dumps({**head, **{name: value for item in event.items for name, value in item.items()}})
    if shape == "flat":
        return json.dumps({**head, "List": single_or_several}, ensure_ascii=False)
    bare = shape == "bare" and event.kind != "sent"
    return json.dumps(
        {**head, _KEYS[event.kind]: several if bare else {"List": single_or_several}}, ensure_ascii=False
    )
