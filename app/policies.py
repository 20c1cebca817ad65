"""What a manager may set for the whole brand: named policies, each a typed value, each change a new version.

A policy is a frozen msgspec struct with a `NAME`, bounds on every field and defaults that are safe: as long as nobody
has set it, version 0 with the defaults holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Self, TypeVar

import msgspec
from sqlalchemy import BigInteger, Connection, Identity, String, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit
from app.db import Base, UTCDateTime, into, reading, transaction
from app.errors import Invalid, VersionConflict
from app.typed import convert
from app.typed import read as read_json


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every policy is; `NAME` is its word in the API."""

    NAME: ClassVar[str]

    def loosens(self, former: Self) -> bool:
        """Whether it allows anything that `former` did not. A greater number allows more and None most; of other
        fields, any change may. A policy that means it otherwise says so itself."""
        return any(_looser(getattr(former, name), getattr(self, name)) for name in self.__struct_fields__)


P = TypeVar("P", bound=Policy)

_ONE_AFTER_ANOTHER = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


def _looser(before: object, after: object) -> bool:
    if type(before) is int and type(after) is int:
        return after > before
    return after != before and not (before is None and type(after) is int)


class PolicyVersion(Base):
    """Append-only: the highest version of a name is in force."""

    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class PolicyMalformed(Invalid):
    """Data: `problem`, which field is wrong and how."""

    code = "policy_malformed"


@dataclass(frozen=True, kw_only=True)
class InForce(Generic[P]):
    version: int
    value: P


def in_force(connection: Connection | Session, kind: type[P]) -> InForce[P]:
    """The policy as it stands; what was set before a field existed gets that field's default."""
    row = connection.execute(
        select(PolicyVersion.version, PolicyVersion.value)
        .where(PolicyVersion.name == kind.NAME)
        .order_by(PolicyVersion.version.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return InForce(version=0, value=kind())
    return InForce(version=row.version, value=convert(row.value, kind))


#: For a statement that looks at something else in the same trip: the policies named `policies`, for `read_several`.
SEVERAL = """(SELECT CAST(json_object_agg(p.name, json_build_object('version', p.version, 'value', p.value)) AS text)
    FROM (SELECT DISTINCT ON (name) name, version, value FROM policies WHERE name = ANY(%(policies)s)
        ORDER BY name, version DESC) p)"""


class Several:
    """Some policies as one statement found them."""

    def __init__(self, found: str | None) -> None:
        self._found = {} if found is None else read_json(found, dict[str, _Version])

    def __getitem__(self, kind: type[P]) -> InForce[P]:
        found = self._found.get(kind.NAME)
        if found is None:
            return InForce(version=0, value=kind())
        return InForce(version=found.version, value=convert(found.value, kind))


class _Version(msgspec.Struct):
    version: int
    value: dict[str, Any]


def standing(kind: type[P]) -> InForce[P]:
    """The policy as it stands, for whoever has no transaction open."""
    with reading() as connection:
        return in_force(connection, kind)


def change(
    *, kind: type[P], value: Mapping[str, Any], version: int, actor: audit.Actor, now: datetime
) -> InForce[P]:
    """Set the policy anew, whole; fields left out get their defaults.

    For the operator: nobody else is asked (app/checkout/set_policy.py is for everybody else). Raises
    `PolicyMalformed`, and `VersionConflict` unless `version` is the one in force.
    """
    wanted = read(kind, value)
    with transaction() as session:
        return add(session, expected(session, kind, version), wanted, actor=actor, now=now)


def read(kind: type[P], value: Mapping[str, Any]) -> P:
    """Raises `PolicyMalformed`."""
    try:
        return convert(value, kind)
    except msgspec.ValidationError as error:
        raise PolicyMalformed(problem=str(error)) from None


def expected(session: Session, kind: type[P], version: int) -> InForce[P]:
    """The policy in force, if that is its version; until the transaction ends nobody else sets it.

    Raises `VersionConflict`.
    """
    session.execute(_ONE_AFTER_ANOTHER, {"name": f"policy {kind.NAME}"})
    former = in_force(session, kind)
    if former.version != version:
        raise VersionConflict(version=former.version)
    return former


def add(
    session: Session,
    former: InForce[P],
    wanted: P,
    *,
    actor: audit.Actor,
    now: datetime,
    approval_id: str | None = None,
) -> InForce[P]:
    """The version after `former`, which the caller got from `expected`."""
    session.execute(
        into(PolicyVersion),
        {
            "name": wanted.NAME,
            "version": former.version + 1,
            "value": msgspec.to_builtins(wanted),
            "created_by": actor.id,
            "created_at": now,
        },
    )
    audit.record(
        session,
        actor,
        "policy.change",
        "policy",
        wanted.NAME,
        now=now,
        before=msgspec.to_builtins(former.value),
        after=msgspec.to_builtins(wanted),
        approval_id=approval_id,
    )
    return InForce(version=former.version + 1, value=wanted)
