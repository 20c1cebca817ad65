"""Why a benefit counts or does not: stable words, with texts in app/texts/words.py under `benefit.`."""

from typing import Final

APPLIED: Final = "applied"
NO_MATCHING_GOODS: Final = "no_matching_goods"
BELOW_THRESHOLD: Final = "below_threshold"
NO_SAVING: Final = "no_saving"
NOT_COMBINABLE: Final = "not_combinable"
LESS_THAN_OTHERS: Final = "less_than_others"
BELOW_USE_VALUE: Final = "below_use_value"
REFUSED: Final = "refused"
UNKNOWN: Final = "unknown"
#: Of rules and of the member, found before a bill is priced.
MEMBERS_ONLY: Final = "members_only"
NOT_HERE: Final = "not_here"
NOT_YOUR_TIER: Final = "not_your_tier"
NOT_BIRTHDAY: Final = "not_birthday"
NOT_NOW: Final = "not_now"
BALANCE_TOO_LOW: Final = "balance_too_low"
#: Of coupons.
NOT_YET: Final = "not_yet"
ENDED: Final = "ended"
USED: Final = "used"
RECALLED: Final = "recalled"
ANOTHER_ALIKE: Final = "another_alike"
#: Without a sale, where the face asks for one.
NEEDS_SALE: Final = "needs_sale"

ALL: Final = (
    APPLIED,
    NO_MATCHING_GOODS,
    BELOW_THRESHOLD,
    NO_SAVING,
    NOT_COMBINABLE,
    LESS_THAN_OTHERS,
    BELOW_USE_VALUE,
    REFUSED,
    UNKNOWN,
    MEMBERS_ONLY,
    NOT_HERE,
    NOT_YOUR_TIER,
    NOT_BIRTHDAY,
    NOT_NOW,
    BALANCE_TOO_LOW,
    NOT_YET,
    ENDED,
    USED,
    RECALLED,
    ANOTHER_ALIKE,
    NEEDS_SALE,
)
