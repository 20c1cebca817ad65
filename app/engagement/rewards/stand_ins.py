"""An item that stands in another's place, as a festival's does: members see that one thing once in the mall."""


def without_those_replaced(seen: str) -> str:
    """Of what the member sees those that no other one stands in for.

    It does while the member can have it: they may still exchange for it, and some are left where they are at home, or
    wherever some of the usual one are left. A stand-in for some of the stores hides nothing from who goes to others.
    It is not hidden itself: two that name each other would both be gone.
    """
    return f"""
    WITH seen AS ({seen})
    SELECT s.* FROM seen s WHERE s.reward ->> 'instead_of' IS NOT NULL OR s.id NOT IN (
        SELECT c.reward ->> 'instead_of' FROM seen c WHERE c.reward ->> 'instead_of' IS NOT NULL
            AND {_MAY_HAVE_MORE.format(limit="per_member", had="had")}
            AND {_MAY_HAVE_MORE.format(limit="per_member_a_day", had="had_today")}
            AND (EXISTS (SELECT FROM {_LEFT} WHERE q.item_id = c.id
                    AND q.store_id = (SELECT home_store_id FROM members WHERE id = :member_id))
                OR EXISTS (SELECT FROM {_LEFT} WHERE q.item_id = c.id)
                AND NOT EXISTS (SELECT q.store_id FROM {_LEFT} WHERE q.item_id = c.reward ->> 'instead_of'
                    EXCEPT SELECT q.store_id FROM {_LEFT} WHERE q.item_id = c.id)))"""  # noqa: S608  # constants of our own


_MAY_HAVE_MORE = "coalesce(c.{had} < CAST(c.reward ->> '{limit}' AS bigint), true)"
_LEFT = """(SELECT r.item_id, r.store_id FROM reward_stock r LEFT JOIN stores o ON o.id = r.store_id
    WHERE r.offered AND (r.stock IS NULL OR r.taken < r.stock) AND (o.id IS NULL OR o.status = 'open')) q"""
