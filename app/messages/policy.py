"""When and how often members are told what is not about their own doings, and how long to wait after a refusal."""

from typing import Annotated, ClassVar, Self

from msgspec import Meta

from app import policies
from app.messages.models import EMAIL, SMS, WECHAT

# From the evening to the next morning, so that there are some hours each day in which a message may go out.
_Evening = Annotated[str, Meta(pattern=r"^(1[89]|2[0-3]):[0-5][0-9]\Z")]
_Morning = Annotated[str, Meta(pattern=r"^(0[0-9]|1[01]):[0-5][0-9]\Z")]
_Cap = Annotated[int, Meta(ge=0, le=50)]
_Price = Annotated[int, Meta(ge=0, le=1_000_000)]


class MessagePolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Quiet hours in the member's zone (`quiet_from` None: there are none), and how many marketing messages a member
    gets within 24 hours and within 7 times 24, all channels together (None: any number). What a thousand messages cost
    by the channels that providers charge for."""

    NAME: ClassVar[str] = "messages"

    quiet_from: _Evening | None = "21:00"
    quiet_until: _Morning = "09:00"
    most_a_day: _Cap | None = 1
    most_a_week: _Cap | None = 3
    ask_again_days: Annotated[int, Meta(ge=1, le=365)] = 14
    fen_per_1000_sms: _Price = 5_000
    fen_per_1000_emails: _Price = 200
    fen_per_1000_wechat: _Price = 0

    def price(self, channel: str) -> int:
        """Of one message, in thousandths of a fen."""
        prices = {
            SMS: self.fen_per_1000_sms,
            EMAIL: self.fen_per_1000_emails,
            WECHAT: self.fen_per_1000_wechat,
        }
        return prices.get(channel, 0)

    def loosens(self, former: Self) -> bool:
        """Less quiet, more messages, sooner asked again, or cheaper ones: of these a budget pays more."""
        if former.quiet_from is not None and (
            self.quiet_from is None
            or self.quiet_from > former.quiet_from
            or self.quiet_until < former.quiet_until
        ):
            return True
        return (
            _more(self.most_a_day, former.most_a_day)
            or _more(self.most_a_week, former.most_a_week)
            or self.ask_again_days < former.ask_again_days
            or any(self.price(channel) < former.price(channel) for channel in (SMS, EMAIL, WECHAT))
        )


def _more(cap: int | None, former: int | None) -> bool:
    return former is not None and (cap is None or cap > former)
