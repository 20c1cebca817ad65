"""A member takes consent back: whatever we do for them and with their data stops at once (PIPL Art. 15, 16).

One transaction stops the sessions, the codes, the open tickets and the messages that wait. Who looked at the member
just before and acts just after is stopped by the status: a sale looks at it again, and so do the relay and a worker
that would repeat a message. A message whose sending had begun keeps its outcome: what is on its way cannot be called
back. What the books hold stays, and so does what was lawful until now (Art. 15).
"""

from datetime import datetime

from app.checkout import tickets
from app.db import transaction
from app.identity import consent
from app.messages import cancel


def withdraw(*, member_id: int, now: datetime) -> None:
    """Take consent back for the member; twice is once. Raises `Busy`."""
    with transaction() as session:
        consent.take_back(session, member_id, now=now)
        tickets.end_open(session, member_id, now=now)
        cancel.cancel_waiting(session, member_id, now=now)
