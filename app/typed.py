"""JSON and plain data into types: the one door to msgspec's checking of types.

msgspec keeps what it finds out about a class with the class, from before it has found out everything: a second thread
that meets the class for the first time in that moment reads what is not there yet, and the process is gone
(msgspec 0.22; tests/app/test_typed.py). So each type is looked at by one thread, under a lock, before anything is read.
"""

from threading import Lock
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")

_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_one_at_a_time = Lock()


def read(data: str | bytes, kind: type[T]) -> T:
    """What the JSON says. Raises `msgspec.ValidationError`, or `msgspec.DecodeError` for what is no JSON."""
    found: T = _decoder(kind).decode(data)
    return found


@overload
def convert(data: object, kind: type[T], *, strict: bool = True) -> T: ...
@overload
def convert(data: object, kind: Any, *, strict: bool = True) -> Any: ...
def convert(data: object, kind: Any, *, strict: bool = True) -> Any:
    """The same from what was read already. Raises `msgspec.ValidationError`."""
    _decoder(kind)
    return msgspec.convert(data, kind, strict=strict)


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    found = _decoders.get(kind)
    if found is None:
        with _one_at_a_time:
            found = _decoders[kind] = msgspec.json.Decoder(kind)
    return found
