"""Faults on order: which requests they meet, how often, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

KINDS: Final = frozenset(
    {"errcode", "status", "latency", "timeout", "drop", "malformed_json", "html", "truncated", "forged"}
)
MOMENTS: Final = ("before", "after")
_NUMBERS: Final = {"errcode": "errcode", "status": "status", "latency": "latency_ms", "timeout": "hang_ms"}
_DEFAULT_HANG_MS: Final = 60_000
_ALLOWED: Final = {"match", "action", "probability", "count", "moment"}


@dataclass
class Fault:
    """One order. ``moment`` says whether the platform does its work before things go wrong (``after``) or
    not at all (``before``); ``remaining`` None means: until cleared.
    """

    id: int
    kind: str
    number: int
    errmsg: str
    path: str | None
    openid: str | None
    probability: float
    remaining: int | None
    moment: str
    fired: int = 0
    code: str = ""

    def as_json(self) -> dict[str, object]:
        """For the control plane."""
        return dict(vars(self))


class Faults:
    """The orders in force, oldest first: the first that fits a request wins."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._next_id = 1
        self._orders: list[Fault] = []

    def add(self, values: Mapping[str, Any]) -> Fault:
        """Take an order from JSON. Raises ValueError when it is not understood."""
        fault = _fault_from(values, self._next_id)
        self._next_id += 1
        self._orders.append(fault)
        return fault

    def all(self) -> list[Fault]:
        """The orders in force, used-up ones included so that ``fired`` can be read."""
        return list(self._orders)

    @property
    def any_by_openid(self) -> bool:
        """Whether it matters whose request it is."""
        return any(one.openid is not None for one in self._orders)

    def clear(self, fault_id: int | None = None) -> None:
        """Withdraw one order, or all."""
        self._orders = [one for one in self._orders if fault_id is not None and one.id != fault_id]

    def pick(self, path: str, openid: str | None) -> Fault | None:
        """The fault this request meets, counted as fired; None for most."""
        for fault in self._orders:
            if fault.path not in (None, path) or fault.openid not in (None, openid) or fault.remaining == 0:
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            fault.fired += 1
            if fault.remaining is not None:
                fault.remaining -= 1
            return fault
        return None


def _fault_from(values: Mapping[str, Any], fault_id: int) -> Fault:
    unknown = set(values) - _ALLOWED
    match, action = values.get("match") or {}, values.get("action") or {}
    if unknown or not isinstance(match, Mapping) or not isinstance(action, Mapping):
        raise ValueError(
            "a fault is {match: {path?, openid?}, action: {type, …}, probability?, count?, moment?}"
        )
    kind, moment = action.get("type"), values.get("moment", "before")
    if kind not in KINDS or moment not in MOMENTS:
        raise ValueError(f"action type is one of {sorted(KINDS)}, moment one of {MOMENTS}")
    number = action.get(_NUMBERS.get(kind, ""), _DEFAULT_HANG_MS if kind == "timeout" else None)
    if kind in _NUMBERS and type(number) is not int:
        raise ValueError(f"a fault of type {kind} needs the integer {_NUMBERS[kind]}")
    probability, count = values.get("probability", 1.0), values.get("count")
    if not isinstance(probability, (int, float)) or not 0 <= probability <= 1:
        raise ValueError("probability is between 0 and 1")
    if count is not None and (type(count) is not int or count < 1):
        raise ValueError("count is a positive integer")
    return Fault(
        id=fault_id,
        kind=kind,
        number=number or 0,
        errmsg=str(action.get("errmsg", "")),
        path=match.get("path"),
        openid=match.get("openid"),
        probability=probability,
        remaining=count,
        # half an answer, or a forged one, needs a whole one first
        moment="after" if kind in ("truncated", "forged") else moment,
        code=str(action.get("code", "")),
    )
