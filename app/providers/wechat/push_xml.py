"""WeChat's XML as a dictionary, with nothing of XML that can hurt.

A document type is refused before any entity in it can be declared, and depth is bounded; callers bound the size.
"""

from typing import Any
from xml.parsers import expat

MAX_DEPTH = 8


class NotXml(Exception):
    """Not XML, or more of XML than WeChat ever sends."""


def parse_xml(document: bytes) -> dict[str, Any]:
    """The children of the root: text, nested dictionaries, and lists where a name is repeated. Raises `NotXml`."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise NotXml from None
    if not isinstance(reader.root, dict):
        raise NotXml
    return reader.root


class _Reader:
    def __init__(self) -> None:
        self.root: Any = None
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []

    def refuse(self, *_: object) -> None:
        raise NotXml

    def start(self, name: str, _attributes: object) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise NotXml
        self._open.append((name, {}, []))

    def text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, _name: str) -> None:
        name, children, texts = self._open.pop()
        value: Any = children or "".join(texts).strip()
        if not self._open:
            self.root = value
            return
        siblings = self._open[-1][1]
        if name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]
