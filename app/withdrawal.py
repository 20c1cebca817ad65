"""A member takes consent back: whatever we do for them and with their data stops at once (PIPL Art. 15, 16).

One transaction stops the sessions, the codes and the messages that wait. What it cannot see is stopped by the status
that it sets: a sale looks at the member again, so that open tickets earn nothing, those of a scan that is running
included; so do the relay, and a worker that would repeat a message. A message whose sending had begun keeps its
outcome: what is on its way cannot be called back. What the books hold stays, and was lawful until now (Art. 15);
what the member wrote to us in words is erased, and what we
said of them: tags, and their place in lists. What automations were still to do for them is not done.
"""

from datetime import datetime

from app.automations import rows as automations
from app.db import transaction
from app.engagement import survey
from app.engagement.events import feedback as event_feedback
from app.feedback import write as feedback
from app.identity import consent
from app.messages.cancel import cancel_waiting
from app.segments import static_list, tags


def withdraw(*, member_id: int, now: datetime) -> None:
    """Take consent back for the member; twice is once. Raises `Busy`."""
    with transaction() as session:
        consent.take_back(session, member_id, now=now)
        cancel_waiting(session, member_id, now=now)
        feedback.erase(session, member_id)
        event_feedback.erase(session, member_id)
        survey.forget(session, member_id)
        tags.forget(session, member_id)
        static_list.forget(session, member_id)
        automations.forget(session, member_id, now=now)
