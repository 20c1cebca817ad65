"""Every field there is, by name, in the order in which they are shown."""

from app.segments.fields.belonging import BELONGING
from app.segments.fields.bought import BOUGHT_FIELDS
from app.segments.fields.coupons import COUPONS
from app.segments.fields.field import Field
from app.segments.fields.held import HELD
from app.segments.fields.messages import MESSAGES
from app.segments.fields.profile import PROFILE
from app.segments.fields.recommended import RECOMMENDED

GROUPS: dict[str, tuple[Field, ...]] = {
    "profile": PROFILE,
    "held": HELD,
    "bought": (*BOUGHT_FIELDS, *RECOMMENDED),
    "coupons": COUPONS,
    "messages": MESSAGES,
    "belonging": BELONGING,
}
FIELDS: dict[str, Field] = {field.name: field for group in GROUPS.values() for field in group}
