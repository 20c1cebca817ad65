"""What holds for stored value in the whole brand: how much an account may hold, and in which order it is spent."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from app.policies import Policy

SpendOrder = Literal["bonus_first", "principal_first", "pro_rata"]
#: The most that a named prepaid account may hold by law, in fen (单用途商业预付卡管理办法, MOFCOM Order 2012 No. 9).
#: No policy goes beyond it.
LEGAL_MOST_FEN = 500_000


class StoredValuePolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits count principal alone: it is what the member paid.

    The defaults are those of the law for accounts without and with a name (1,000 and 5,000 yuan); whether a phone
    number makes a name is for the operator's counsel to say.
    """

    NAME: ClassVar[str] = "stored_value"

    most_without_phone_fen: Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)] = 100_000
    most_with_phone_fen: Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)] = LEGAL_MOST_FEN
    #: A top-up without an offer.
    least_top_up_fen: Annotated[int, Meta(ge=1, le=LEGAL_MOST_FEN)] = 1_000
    most_top_up_fen: Annotated[int, Meta(ge=1, le=LEGAL_MOST_FEN)] = LEGAL_MOST_FEN
    #: At a till, what a clerk takes in alone; None: any amount.
    alone_top_up_fen: Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)] | None = None
    #: What is spent at tills within a day, points among it, without the member's word on the phone; None: any amount.
    confirm_above_fen: Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)] | None = 20_000
    spend_order: SpendOrder = "pro_rata"
    #: What one person may offer alone: bonus, in ten-thousandths of what is paid, points, and coupons.
    alone_bonus_bp: Annotated[int, Meta(ge=0, le=10_000)] = 2_000
    alone_points: Annotated[int, Meta(ge=0, le=1_000_000)] = 1_000
    alone_coupons: Annotated[int, Meta(ge=0, le=10)] = 1

    def most_fen(self, *, has_phone: bool) -> int:
        """How much principal an account may hold."""
        return self.most_with_phone_fen if has_phone else self.most_without_phone_fen
