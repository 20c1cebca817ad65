"""Rules in versions, as rows of a table: one to be, the newest, the next. For rules of every kind.

The stories are in app/points/rule_change.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, cast

from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.approvals.second_person import Exceeded
from app.errors import Conflict, Invalid, NotFound, VersionConflict
from app.points.rules import Conditions, RuleMalformed
from app.points.version_set import Version

Verb = Literal["create", "change", "end"]
#: A year typed wrongly; beyond it calendars end.
_FARTHEST = timedelta(days=36_525)
#: `{table}` is a name of our own. A version gives way when a higher one has begun.
_ALONE = """
    SELECT * FROM {table} r
    WHERE approval_id IS NULL AND created_by IS NOT NULL AND rule_no IS DISTINCT FROM :rule_no
        AND (effective_until IS NULL OR effective_until > greatest(:now, effective_from))
        AND NOT EXISTS (SELECT FROM {table} later WHERE later.rule_no = r.rule_no AND later.version > r.version
            AND later.effective_from <= :now)"""

_ACTIVITY = text("SELECT activity_id FROM activity_rules WHERE book = :book AND rule_no = :rule_no")


class RuleInThePast(Invalid):
    code = "rule_in_the_past"


class RuleOfActivity(Conflict):
    """An activity made the rule and ends it. Data: `activity_id`."""

    code = "rule_of_activity"


class Asking(Protocol):
    """What a rule asks for and gives."""

    @property
    def conditions(self) -> Conditions: ...


class Defined(Protocol):
    """A rule, or one to be."""

    @property
    def definition(self) -> Asking: ...


class Rule(Defined, Version, Protocol):
    """A version of a rule."""


class Draft(Defined, Protocol):
    """A version that is not one yet. `effective_from` None: at once."""

    @property
    def effective_from(self) -> datetime | None: ...
    @property
    def effective_until(self) -> datetime | None: ...


R = TypeVar("R", bound=Rule)
D = TypeVar("D", bound=Draft)


class RuleBook(ABC, Generic[R, D]):
    """Rules of one kind. `name` is their word in audit records and approvals, `model` their table."""

    name: ClassVar[str]
    model: ClassVar[Any]

    @abstractmethod
    def rule_of(self, row: Any) -> R: ...

    @abstractmethod
    def row_of(self, draft: D) -> dict[str, Any]:
        """The columns that only rules of this kind have."""

    @abstractmethod
    def asked_for(self, draft: D) -> dict[str, Any]:
        """The draft as a second person sees it, and as `draft_of` reads it."""

    @abstractmethod
    def draft_of(self, asked: Mapping[str, Any]) -> D:
        """Raises `RuleMalformed`."""

    @abstractmethod
    def ending(self, newest: R, at: datetime) -> D:
        """The same rule once more, which begins and ends at that time."""

    @abstractmethod
    def check_next(self, newest: R, draft: D) -> None:
        """Raises `RuleMalformed` for what cannot be a version of the same rule."""

    @abstractmethod
    def exceeded(self, session: Session, draft: D, others: Sequence[R]) -> tuple[Exceeded, ...]:
        """The limits that keep one person from making this rule alone, beside the `others` that people made alone."""

    def check_free(self, session: Session, rule_no: int) -> None:
        """Raises `RuleOfActivity` for a rule that is changed and ended with an activity only."""
        activity_id = session.execute(_ACTIVITY, {"book": self.name, "rule_no": rule_no}).scalar_one_or_none()
        if activity_id is not None:
            raise RuleOfActivity(activity_id=activity_id)

    def one_after_another(self, session: Session) -> None:
        """Until the transaction ends nobody else writes rules: ids become visible in their order (`AtHand`)."""
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:table, 0))"),
            {"table": self.model.__tablename__},
        )

    def next_no(self, session: Session) -> int:
        """The number of a new rule."""
        last = session.execute(select(self.model.rule_no).order_by(self.model.rule_no.desc()).limit(1))
        return (last.scalar_one_or_none() or 0) + 1

    def made_alone(self, session: Session, other_than: int | None, now: datetime) -> list[R]:
        """What people of the staff made alone and what still counts, or will, but for one rule's versions."""
        rows = session.execute(
            text(_ALONE.format(table=self.model.__tablename__)), {"rule_no": other_than, "now": now}
        )
        return [self.rule_of(row) for row in rows]

    def former(self, session: Session, rule_no: int, version: int) -> R:
        """The newest version, if it is that one. Raises `NotFound`, `VersionConflict`."""
        model = self.model
        newest = session.execute(
            select(model).where(model.rule_no == rule_no).order_by(model.version.desc()).limit(1)
        ).scalar_one_or_none()
        if newest is None:
            raise NotFound
        if newest.version != version:
            raise VersionConflict(version=newest.version)
        return self.rule_of(newest)

    def add(
        self,
        session: Session,
        rule_no: int,
        version: int,
        draft: D,
        verb: Verb,
        actor: audit.Actor,
        now: datetime,
        *,
        approval_id: str | None = None,
    ) -> R:
        """Write the version. Raises `RuleInThePast`, `RuleMalformed`, `VersionConflict`."""
        begins, ends = check_times(draft, verb, now)
        row = self.row_of(draft) | {
            "rule_no": rule_no,
            "version": version,
            "effective_from": begins,
            "effective_until": ends,
            "approval_id": approval_id,
        }
        try:
            added = session.execute(
                insert(self.model)
                .values(**row, created_by=actor.id if actor.type == "staff" else None, created_at=now)
                .returning(self.model)
            ).scalar_one()
        except IntegrityError as error:
            # Whoever came first made this version; the lock lets nobody come here, the unique key holds without it.
            raise VersionConflict(version=version) from error
        self._record(session, actor, verb, row, now)
        return self.rule_of(added)

    def _record(
        self, session: Session, actor: audit.Actor, verb: Verb, row: dict[str, Any], now: datetime
    ) -> None:
        """Of a rule for one store it is that store's record."""
        stores = cast("dict[str, Any]", row["definition"]).get("conditions", {}).get("stores", [])
        told = {**row, "effective_from": row["effective_from"].isoformat()}
        told["effective_until"] = (
            None if row["effective_until"] is None else row["effective_until"].isoformat()
        )
        audit.record(
            session,
            actor,
            f"{self.name}.{verb}",
            self.name,
            row["rule_no"],
            now=now,
            store_id=stores[0] if len(stores) == 1 else None,
            **told,
        )


def check_times(draft: Draft, verb: Verb, now: datetime) -> tuple[datetime, datetime | None]:
    """When it begins and ends. Raises `RuleInThePast`, `RuleMalformed`."""
    begins, ends = draft.effective_from or now, draft.effective_until
    if begins < now:
        raise RuleInThePast
    if max(begins, ends or begins) - now > _FARTHEST:
        raise RuleMalformed(reason="effective_from, effective_until: more than a hundred years away")
    if ends is not None and verb != "end" and ends <= begins:
        raise RuleMalformed(reason="effective_until: not after effective_from")
    return begins, ends


def places(wanted: Defined, others: Iterable[Defined]) -> set[int | None]:
    """The stores in which rules beside the wanted one may differ; None stands for those that no rule names."""
    own = wanted.definition.conditions.stores
    if own is not None:
        return set(own)
    return {None, *(store for other in others for store in other.definition.conditions.stores or ())}
