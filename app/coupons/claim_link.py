"""The link by which a template's coupons are claimed: what marketers print and send."""

from dataclasses import dataclass

from app.coupons.template import Template
from app.errors import Conflict

#: Which page of the mini-program a claim key opens.
PAGE = "pages/coupon_centre/index"


class CouponHasNoLink(Conflict):
    """The template is not claimed by link."""

    code = "coupon_has_no_link"


@dataclass(frozen=True, kw_only=True)
class ClaimLink:
    """`page` and `scene` for a mini-program code; `path`, with the key in it, for a link."""

    page: str
    scene: str
    path: str


def claim_link(template: Template) -> ClaimLink | None:
    """None: there is none. In whatever state the template is: what is printed may be printed before it is live."""
    key = template.claim_key
    return None if key is None else ClaimLink(page=PAGE, scene=key, path=f"/{PAGE}?key={key}")


def needed_link(template: Template) -> ClaimLink:
    """Raises `CouponHasNoLink`."""
    link = claim_link(template)
    if link is None:
        raise CouponHasNoLink
    return link
