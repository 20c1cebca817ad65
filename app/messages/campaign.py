"""What the inbox says of a campaign or an automation: its own words, which are frozen in both languages."""

from collections.abc import Mapping
from typing import Any

from app.texts import say

KIND, AUTOMATION = "campaign", "automation"


def campaign_title(params: Mapping[str, Any], language: str) -> str:
    """Marked where it is a test."""
    title = str(params[f"title_{language}"])
    return say("campaign.test", language, title=title) if params.get("test") else title


def campaign_body(params: Mapping[str, Any], language: str) -> str:
    return str(params[f"body_{language}"])
