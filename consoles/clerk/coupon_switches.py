"""Which coupons of a quote are switched on."""

from dataclasses import replace
from typing import Any

from app.discounts import reasons
from app.points.lots import valid_through
from consoles.clerk.drafts import MOST_CHOSEN, Draft
from consoles.clerk.guard import till

#: Why a coupon is not applied, where a tap may change it.
_CHOOSABLE = (reasons.REFUSED, reasons.NOT_COMBINABLE, reasons.LESS_THAN_OTHERS, reasons.BELOW_USE_VALUE)


def coupon_switches(draft: Draft, quote: dict[str, Any]) -> list[dict[str, Any]]:
    """The coupons of a quote that a tap switches on or off, with what the form then sends."""
    found = []
    for one in quote["benefits"]:
        if one["coupon"] is None or not (one["applied"] or one["reason"] in _CHOOSABLE):
            continue
        after = _off(draft, one["key"]) if one["applied"] else _on(draft, one["key"])
        found.append(
            one
            | {
                "sends": {"chosen": after.chosen_field, "without": after.without_field},
                "ends_on": valid_through(one["coupon"]["ends_at"], till().time_zone).isoformat(),
            }
        )
    return found


def _on(draft: Draft, key: str) -> Draft:
    """The latest last: it is kept when not all of them go together."""
    return replace(
        draft,
        chosen=(*(one for one in draft.chosen if one != key), key)[-MOST_CHOSEN:],
        without=tuple(one for one in draft.without if one != key),
    )


def _off(draft: Draft, key: str) -> Draft:
    return replace(
        draft,
        chosen=tuple(one for one in draft.chosen if one != key),
        without=(*(one for one in draft.without if one != key), key)[-MOST_CHOSEN:],
    )
