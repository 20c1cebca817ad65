"""An item that promotions name is in the mall while one of them is on, to the second, and at no other time."""

#: For each item that published promotions name whether one is on at `:now`; joined to an item `i`. Of an item that none
#: names there is no row.
PROMOTED = """
    LEFT JOIN (SELECT n.item_id, bool_or(a.starts_at <= :now AND (a.ends_at IS NULL OR a.ends_at > :now)) AS is_on
        FROM activities a CROSS JOIN LATERAL jsonb_array_elements_text(a.definition -> 'items') n (item_id)
        WHERE a.kind = 'promotion' AND a.state = 'live' GROUP BY n.item_id) promoted ON promoted.item_id = i.id"""
#: Its own state lets it into the mall, and so do the promotions.
IN_MALL = "i.state = 'live' AND coalesce(promoted.is_on, true)"
