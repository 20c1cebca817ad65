"""The name a member goes by: free text that a clerk reads on a screen, so nothing in it may fool the reader."""

import re
import unicodedata

from app.errors import Invalid

LONGEST = 32
#: Letters and signs that show as nothing, though Unicode does not call them invisible.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SPACES = re.compile(r"\s+")


class NameImpossible(Invalid):
    """Data: `longest`, characters. Too long, or with control characters in it."""

    code = "name_impossible"


def cleaned(name: str) -> str:
    """The name as it is kept: composed (NFC), without what cannot be seen, single spaces, at most 32 characters.

    What cannot be seen is dropped rather than refused, because nicknames from chat apps are full of it (joined
    emoji): zero-width characters, marks that turn the direction of writing around and would garble a till's screen.
    Control characters, line breaks among them, nobody types: they raise `NameImpossible`. An empty name is no name.
    """
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in name):
        raise NameImpossible(longest=LONGEST)
    seen = "".join(c for c in name if unicodedata.category(c) != "Cf" and c not in _BLANK_LETTERS)
    result = _SPACES.sub(" ", unicodedata.normalize("NFC", seen)).strip()
    if len(result) > LONGEST or not result.isprintable():
        raise NameImpossible(longest=LONGEST)
    return result
