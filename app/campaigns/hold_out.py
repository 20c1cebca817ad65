"""Who is held out, and when each of the others is due: drawn from the ids alone, so it is the same however often.

Parts of an MD5, which PostgreSQL's own hashes are not promised to stay like; nobody's interest hangs on forging it.
"""

from hashlib import md5


def _drawn(begin: int) -> str:
    """A number below 2 to the 32nd; `{member}` is the member's id."""
    of = "md5(concat(CAST(:campaign_id AS text), ':', {member}))"
    return f"CAST(CAST(concat('x', substr({of}, {begin}, 8)) AS bit(32)) AS bigint)"


#: True of `:hold_out_bp` of ten thousand members.
HELD_OUT = f"(mod({_drawn(1)}, 10000) < :hold_out_bp)"
#: Seconds, from none to below `:drip_s`.
LATER_S = f"mod({_drawn(9)}, greatest(CAST(:drip_s AS bigint), 1))"


def is_held_out(of: str, member_id: int, hold_out_bp: int) -> bool:
    """The same of one member, of whatever `of` names."""
    drawn = md5(f"{of}:{member_id}".encode(), usedforsecurity=False).hexdigest()[:8]
    return int(drawn, 16) % 10_000 < hold_out_bp
