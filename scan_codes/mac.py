"""The seven digits that only a holder of the key can compute for a member and a step."""

import hmac

TAG_LENGTH = 7
_TAG_SPACE = 10**TAG_LENGTH


def tag(mac_key: bytes, kid: int, member_no: int, step: int) -> str:
    """HMAC-SHA256 over `mc1|kid|member|step`, cut to seven digits.

    Short on purpose (a bar code has to stay narrow): it holds because guessing is throttled where
    codes are scanned and because a code identifies, it does not pay. See docs/scan.md.
    """
    message = b"mc1|%d|%d|%d" % (kid, member_no, step)
    number = int.from_bytes(hmac.digest(mac_key, message, "sha256")[:8], "big") % _TAG_SPACE
    return f"{number:0{TAG_LENGTH}d}"


def tags_equal(left: str, right: str) -> bool:
    """Compare in a time that does not depend on where the tags differ."""
    return hmac.compare_digest(left, right)
