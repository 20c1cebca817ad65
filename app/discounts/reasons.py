"""Why a benefit counts or does not: stable words, with texts in app/texts/words.py under `benefit.`."""

from typing import Final

APPLIED: Final = "applied"
NO_MATCHING_GOODS: Final = "no_matching_goods"
BELOW_THRESHOLD: Final = "below_threshold"
NO_SAVING: Final = "no_saving"
NOT_COMBINABLE: Final = "not_combinable"
LESS_THAN_OTHERS: Final = "less_than_others"
REFUSED: Final = "refused"
UNKNOWN: Final = "unknown"
