"""What holds for exchanges in the whole brand."""

from typing import Annotated, ClassVar

from msgspec import Meta

from app.policies import Policy


class RewardPolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many whole days goods wait to be picked up, and what was given at once may be handed back unused.

    What was paid goes back into the lots it came from; of those that have ended meanwhile it may be spent for
    `grace_days` more.
    """

    NAME: ClassVar[str] = "rewards"

    pick_up_days: Annotated[int, Meta(ge=1, le=366)] = 14
    undo_days: Annotated[int, Meta(ge=0, le=366)] = 7
    grace_days: Annotated[int, Meta(ge=0, le=366)] = 30
