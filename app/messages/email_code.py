"""The letter with the code that shows whose an e-mail address is."""

from datetime import datetime

from sqlalchemy import select

from app.db import into, transaction
from app.errors import Unauthenticated, Unavailable
from app.ids import new_id
from app.members.emails import Email, checked, masked, set_address
from app.members.models import Member
from app.members.phones import PhoneVault
from app.messages.channels import Channel, NotSetUp
from app.messages.channels.content import email_content
from app.messages.models import EMAIL, Message
from app.texts import say
from app.throttle import Limit, Throttle

PER_MEMBER = Limit("email_code", 5, 24 * 3600)
#: Kind of the message; it alone goes to an address that is not confirmed.
KIND = "email_code"


class EmailNotOffered(Unavailable):
    """No mail server is set up."""

    code = "email_not_offered"


def ask(
    *,
    member_id: int,
    address: str,
    channel: Channel,
    brand: str,
    vault: PhoneVault,
    throttle: Throttle,
    now: datetime,
) -> Email:
    """Keep the address and send a code there; again with another code as often as it is asked for, five times a day.

    Raises `EmailNotOffered`, `EmailMalformed`, `TooMany`, and `Unauthenticated` for who is no member any more.
    """
    if isinstance(channel, NotSetUp):
        raise EmailNotOffered
    address = checked(address)
    throttle.hit(PER_MEMBER, member_id)
    message_id = new_id(now)
    with transaction() as session:
        locked = select(Member).where(Member.id == member_id).with_for_update(key_share=True)
        member = session.execute(locked).scalar_one()
        if member.status != "active":
            raise Unauthenticated
        code = set_address(session, member, address, vault=vault, now=now)
        subject = say("email_code.subject", member.language, brand=brand)
        text = say("email_code.text", member.language, brand=brand, code=code)
        session.execute(
            into(Message),
            {
                "id": message_id,
                "member_id": member_id,
                "kind": KIND,
                "category": "service",
                "channel": EMAIL,
                "dedupe_key": f"{KIND}:{message_id}",
                "params": {"language": member.language, **email_content(subject, text)},
                "due_at": now,
                "created_at": now,
            },
        )
    return Email(address=masked(address), confirmed=False)
