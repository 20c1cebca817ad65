"""A channel with what keeps it from being asked too much, made once for each process."""

from dataclasses import dataclass, field

from app.messages.channels import Channel
from app.providers.breaker import Breaker


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """`per_second`: how many messages go through it at most, over all workers."""

    channel: Channel
    per_second: int
    breaker: Breaker = field(default_factory=Breaker)
