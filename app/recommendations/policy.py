"""What nobody wants to have recommended, or nobody may recommend."""

from typing import Annotated, Any, ClassVar, Self

from msgspec import Meta

from app.policies import Policy

#: As registers send it: with a blank around it, it would exclude nothing, and nobody would notice.
_Sku = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00\s]([^\x00]*[^\x00\s])?\Z")]
_Category = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[^\x00]*\Z")]
#: By the words that registers use for them: advertising tobacco, prescriptions or infant formula is forbidden
#: (Advertising Law art. 16, 20, 22), and everybody buys bags.
_NEVER = (
    *("烟草", "香烟", "药品", "处方药", "婴儿配方乳粉", "婴幼儿配方乳粉", "婴幼儿奶粉", "购物袋"),
    *("tobacco", "cigarettes", "medicine", "infant formula", "bags", "carrier bags"),
)


class RecommendationPolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Articles by their number, and categories, in capitals or not and whatever blanks are around them, that are not
    recommended and are no reason either."""

    NAME: ClassVar[str] = "recommendations"

    excluded_skus: Annotated[tuple[_Sku, ...], Meta(max_length=1_000)] = ()
    excluded_categories: Annotated[tuple[_Category, ...], Meta(max_length=200)] = _NEVER

    def loosens(self, former: Self) -> bool:
        """Something may be recommended that might not before."""
        return bool(
            set(former.excluded_skus) - set(self.excluded_skus)
            or _lower(former.excluded_categories) - _lower(self.excluded_categories)
        )

    def values(self) -> dict[str, Any]:
        """What `EXCLUDED` is filled with."""
        return {
            "excluded_skus": list(self.excluded_skus),
            "excluded_categories": list(self.excluded_categories),
        }


#: Of a product `p`, for a statement. Both sides are made alike by the database, for what are capitals depends on its
#: locale; and a register that pads a word with blanks means the same.
EXCLUDED = """(p.sku = ANY(CAST(:excluded_skus AS text[])) OR lower(btrim(p.category)) = ANY(ARRAY(
    SELECT lower(btrim(w)) FROM unnest(CAST(:excluded_categories AS text[])) w)))"""


def _lower(words: tuple[str, ...]) -> set[str]:
    return {word.strip(" ").lower() for word in words}
