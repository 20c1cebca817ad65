"""How often a till may ask: far beyond any shop, and short of what a stolen key could make of it."""

from app.errors import TooMany
from app.stores.tills import Till
from app.throttle import Limit, Throttle

#: Each costs some milliseconds and keeps some kilobytes. A busy till makes a hundred: a dozen sales, each asked about
#: eight times.
QUOTES = Limit("quotes", 1_200, 60)
#: Items, however they are put together: a till that was away for a week has some thousands.
UPLOADS = Limit("offline_items", 20_000, 3_600)
#: Staff numbers that nobody has, or not there: as guessed codes, enough for slips of the finger.
WRONG_CLERKS = Limit("wrong_clerks", 20, 5 * 60)


def count_quote(till: Till, throttle: Throttle) -> None:
    """Raises `TooMany`."""
    throttle.hit(QUOTES, till.terminal_id)


def count_uploads(till: Till, items: int, throttle: Throttle) -> None:
    """Raises `TooMany`."""
    throttle.hit(UPLOADS, till.terminal_id, cost=items)


def may_name_clerks(till: Till, throttle: Throttle) -> None:
    """Raises `TooMany` where too many wrong ones were named."""
    if throttle.used_up(WRONG_CLERKS, till.terminal_id):
        raise TooMany(retry_after_s=WRONG_CLERKS.per_s)


def count_wrong_clerk(till: Till, throttle: Throttle) -> None:
    """Somebody was named who may not do it there. Raises `TooMany`: of any number at once, no more than the limit
    learn that."""
    throttle.hit(WRONG_CLERKS, till.terminal_id)
