"""A channel with what keeps it from being asked too much, made once for each process."""

from dataclasses import dataclass, field

from app.messages.channels import Channel
from app.messages.epoch import Epoch
from app.providers.breaker import Breaker


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """`per_second`: how many messages go through it at most, over all workers. `outside` is the same for all."""

    channel: Channel
    per_second: int
    outside: Epoch
    breaker: Breaker = field(default_factory=Breaker)
