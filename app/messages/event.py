"""What the inbox says of events: a seat for who waited, and what was called off or not to be had."""

from typing import Any

from app.texts import say

KINDS = ("event_promoted", "event_called_off", "event_not_reached")


def event_body(kind: str, params: dict[str, Any], language: str) -> str:
    words = {
        "title": params[f"title_{language}"],
        "when": params[f"when_{language}"],
        "store": params["store"],
    }
    body = say(f"message.{kind}.body", language, **words)
    if params.get("points_back"):
        body += say("told.points_back", language, points=params["points_back"])
    return body
