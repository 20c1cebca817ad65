"""A rule: conditions about a member under and, or, not. Data in, a checked tree out.

    {"all": [{"field": "tier", "op": "any_of", "value": ["gold"]},
             {"not": {"field": "purchases", "op": "at_least", "value": 1, "days": 90}}]}

What a condition may ask stands in the registry (app/segments/fields/registry.py).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.errors import Invalid
from app.segments.fields.field import MOST_DAYS, Condition, Field, ValueFault
from app.segments.fields.registry import FIELDS
from app.typed import convert

MOST_DEPTH = 6
MOST_CONDITIONS = 50
_PLACES = {"all": "all", "any": "any", "not_": "not"}
#: Where the reader stopped, behind its sentence; nothing at the root.
_PLACE = re.compile(r" - at `(\$(?:\.not|\.(?:all|any)\[[0-9]+\])+)`\Z")


class SegmentMalformed(Invalid):
    """Data: `reason`, what does not fit and at which place of the tree."""

    code = "segment_malformed"


@dataclass(frozen=True)
class All:
    of: tuple["Tree", ...]


@dataclass(frozen=True)
class Some:
    of: tuple["Tree", ...]


@dataclass(frozen=True)
class Not:
    of: "Tree"


Tree = All | Some | Not | Condition


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`data` is the rule as JSON, as it is kept: nothing in it but what was read."""

    tree: Tree
    data: Mapping[str, Any]

    def conditions(self) -> Iterator[Condition]:
        return _conditions(self.tree)


class _Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """As it is written. Exactly one of all, any, not and field."""

    all: Annotated[tuple["_Node", ...], Meta(min_length=1, max_length=MOST_CONDITIONS)] | UnsetType = UNSET
    any: Annotated[tuple["_Node", ...], Meta(min_length=1, max_length=MOST_CONDITIONS)] | UnsetType = UNSET
    not_: "_Node | UnsetType" = msgspec.field(default=UNSET, name="not")
    field: str | UnsetType = UNSET
    op: str | UnsetType = UNSET
    value: Any = UNSET
    days: Annotated[int, Meta(ge=0, le=MOST_DAYS)] | UnsetType = UNSET


def parse(data: object) -> Rule:
    """The rule that was written. Raises `SegmentMalformed`; whether what it names exists is asked elsewhere."""
    if _depth(data) > MOST_DEPTH:
        raise SegmentMalformed(reason=f"rule: deeper than {MOST_DEPTH} levels")
    try:
        node: _Node = convert(data, _Node)
    except msgspec.ValidationError as error:
        raise SegmentMalformed(reason=_told(str(error))) from None
    rule = Rule(tree=_Reader().tree(node, "$"), data=msgspec.to_builtins(node))
    if sum(1 for _ in rule.conditions()) > MOST_CONDITIONS:
        raise SegmentMalformed(reason=f"rule: more than {MOST_CONDITIONS} conditions")
    return rule


def _depth(data: object) -> int:
    """How many levels of all, any and not there are, without going down further than anybody may."""
    deepest, waiting = 0, [(data, 0)]
    while waiting and deepest <= MOST_DEPTH:
        here, depth = waiting.pop()
        if isinstance(here, Mapping):
            below = [here.get(name) for name in ("all", "any", "not")]
            nested = any(one is not None for one in below)
            deepest = max(deepest, depth + nested)
            waiting.extend((one, depth + 1) for one in below if one is not None)
        elif isinstance(here, list):
            waiting.extend((one, depth) for one in here)
    return deepest


def _told(fault: str) -> str:
    """The reader's sentence, without a name that somebody else made up."""
    if fault.startswith("Object contains unknown field"):
        found = _PLACE.search(fault)
        place = found[1] if found else "$"
        return f"only all, any, not, field, op, value and days belong there - at `{place}`"
    return fault


class _Reader:
    def tree(self, node: _Node, place: str) -> Tree:
        given = [name for name in ("all", "any", "not_", "field") if getattr(node, name) is not UNSET]
        if len(given) != 1:
            raise self._fault("exactly one of all, any, not and field", place)
        [name] = given
        if name != "field":
            if any(getattr(node, extra) is not UNSET for extra in ("op", "value", "days")):
                raise self._fault("op, value and days go with field", place)
            return self._branch(node, name, f"{place}.{_PLACES[name]}")
        return self._condition(node, place)

    def _branch(self, node: _Node, name: str, place: str) -> Tree:
        if name == "not_":
            assert isinstance(node.not_, _Node)
            return Not(self.tree(node.not_, place))
        below: tuple[_Node, ...] = getattr(node, name)
        of = tuple(self.tree(one, f"{place}[{number}]") for number, one in enumerate(below))
        return All(of) if name == "all" else Some(of)

    def _condition(self, node: _Node, place: str) -> Condition:
        field = FIELDS.get(str(node.field))
        if field is None:
            raise self._fault("there is no such field", f"{place}.field")
        if node.op not in field.ops:
            raise self._fault(f"op is one of {', '.join(field.ops)}", f"{place}.op")
        days = None if isinstance(node.days, UnsetType) else node.days
        if days is not None and not field.windowed:
            raise self._fault("this field takes no days", f"{place}.days")
        if days is None and field.needs_days:
            raise self._fault("this field needs days", f"{place}.days")
        if node.value is UNSET:
            raise self._fault("Object missing required field `value`", place)
        return Condition(
            field=field, op=str(node.op), value=self._value(field, node, place), days=days, place=place
        )

    def _value(self, field: Field, node: _Node, place: str) -> Any:
        place = f"{place}.value"
        try:
            return field.read(str(node.op), node.value)
        except ValueFault as error:
            raise self._fault(error.fault, place + error.where) from None

    def _fault(self, fault: str, place: str) -> SegmentMalformed:
        return SegmentMalformed(reason=f"{fault} - at `{place}`")


def _conditions(tree: Tree) -> Iterator[Condition]:
    match tree:
        case Condition():
            yield tree
        case Not():
            yield from _conditions(tree.of)
        case All() | Some():
            for one in tree.of:
                yield from _conditions(one)
