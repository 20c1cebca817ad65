"""What has ended leaves the balance. Whoever touches an account does it on the way; this is for all the others."""

from collections.abc import Callable
from datetime import datetime

from app.db import ask, statements
from app.pruning import always

_BATCH = 500
_ENDED = """
    SELECT DISTINCT account_id FROM (
        SELECT account_id FROM ledger_lots WHERE remaining > 0 AND expires_at <= %(now)s
        ORDER BY expires_at LIMIT %(limit)s) oldest"""
_EXPIRE = "SELECT ledger_expire(%(account_id)s, %(now)s) AS amount"


def expire(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Take out what ended at or before `now`; from how many accounts.

    May run again, late, after days of standing still, and beside another: each lot ends once. Every account is a
    transaction of its own, so no till waits longer than for one of them, and `keep_going` may stop it at any time.
    """
    done = 0
    with statements() as connection:
        while keep_going():
            ended = ask(connection, _ENDED, {"now": now, "limit": _BATCH})
            if not ended:
                break
            for account in ended:
                if not keep_going():
                    break
                ask(connection, _EXPIRE, {"account_id": account.account_id, "now": now})
                done += 1
    return done
