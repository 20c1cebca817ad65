"""What holds for refunds of top-ups in the whole brand."""

from typing import Annotated, ClassVar, Self

from msgspec import Meta

from app.policies import Policy
from app.stored_value.policy import LEGAL_MOST_FEN

_WHOLE_BP = 10_000
#: A buyer of something prepaid may change their mind for so long, by law; no policy goes below it.
LEGAL_DAYS = 7


class TopUpRefundPolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a top-up that is wholly unused counts as just bought, what spent bonus costs, and what one does alone.

    The limits are for each top-up, all its refunds together.
    """

    NAME: ClassVar[str] = "top_up_refunds"

    cooling_off_days: Annotated[int, Meta(ge=LEGAL_DAYS, le=3_660)] = LEGAL_DAYS
    #: How much of the bonus that was spent is deducted from the money: in ten-thousandths.
    spent_bonus_bp: Annotated[int, Meta(ge=0, le=_WHOLE_BP)] = _WHOLE_BP
    alone_fen: Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)] = 50_000
    alone_cooling_off_fen: Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)] = 100_000
    #: At a till, when the member is not there with their code.
    alone_absent_fen: Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)] = 0
    #: At a till that only named the clerk: no more than this, whatever the others say.
    unproven_alone_fen: Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)] = 10_000

    def loosens(self, former: Self) -> bool:
        """Deducting less is looser; of the others a greater number."""
        return self.spent_bonus_bp < former.spent_bonus_bp or any(
            getattr(self, name) > getattr(former, name)
            for name in (
                "cooling_off_days",
                "alone_fen",
                "alone_cooling_off_fen",
                "alone_absent_fen",
                "unproven_alone_fen",
            )
        )

    def deducted_fen(self, spent_fen: int) -> int:
        """What is kept back for so much spent bonus."""
        return spent_fen * self.spent_bonus_bp // _WHOLE_BP

    def most_alone_fen(self, *, cooling_off: bool, present: bool, proven: bool) -> int:
        """What goes back without a second person; `present`: the member is there, or the money finds its payer.

        `proven`: it is known who asks.
        """
        alone_fen = self.alone_cooling_off_fen if cooling_off else self.alone_fen
        if not present:
            alone_fen = self.alone_absent_fen
        return alone_fen if proven else min(alone_fen, self.unproven_alone_fen)
