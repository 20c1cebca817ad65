"""Reading statements: a draft is reckoned when it is looked at, a closed one says what was written down."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.errors import NotFound
from app.policies import in_force
from app.settlement.figures import PATIENCE, Line, Net, nets, owed_fen, unsettled
from app.settlement.policy import SettlementPolicy
from app.stores.models import Store
from app.typed import convert


@dataclass(frozen=True, kw_only=True)
class Header:
    """`state` is draft, closed, or reopened for what a former closing said. A draft has the policy as it stands."""

    settlement_no: int
    version: int
    state: str
    from_date: date
    until_date: date
    policy_version: int
    policy: SettlementPolicy
    closed_at: datetime | None
    closed_by: str | None


@dataclass(frozen=True, kw_only=True)
class Party:
    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """With the lines the reader may see, and the nets of the reader's stores. `parties` by id, without headquarters."""

    header: Header
    lines: Sequence[Line]
    nets: Sequence[Net]
    parties: Mapping[int, Party]

    @property
    def owed_fen(self) -> int:
        return owed_fen(self.lines)


@dataclass(frozen=True, kw_only=True)
class PastClosing:
    """One closing, and why it did not stand if it was reopened. People by staff number."""

    version: int
    from_date: date
    until_date: date
    policy_version: int
    owed_fen: int
    closed_at: datetime
    closed_by: str | None
    reopened_at: datetime | None
    reopened_by: str | None
    reason: str | None


_HEADERS = """
    SELECT s.id AS settlement_no, coalesce(c.version, s.version) AS version,
        CASE WHEN c.version < s.version THEN 'reopened' ELSE s.state END AS state,
        coalesce(c.from_date, s.from_date) AS from_date, coalesce(c.until_date, s.until_date) AS until_date,
        c.policy_version, c.policy, c.closed_at, p.staff_no AS closed_by
    FROM settlements s
    LEFT JOIN settlement_closings c ON c.settlement_id = s.id
        AND c.version = coalesce(CAST(:version AS integer), s.version)
    LEFT JOIN staff p ON p.id = c.closed_by"""
_LISTING = text(
    _HEADERS
    + """ WHERE (s.state = 'closed' OR :drafts) AND (CAST(:before AS bigint) IS NULL OR s.id < :before)
    ORDER BY s.id DESC LIMIT :limit"""
)
_ONE = text(
    _HEADERS
    + """ WHERE s.id = :settlement_no
        AND (CAST(:version AS integer) IS NULL OR CAST(:version AS integer) IN (s.version, c.version))"""
)
_LINES = text("""
    SELECT debtor_id, creditor_id, unit, quantity, late_quantity, amount_fen FROM settlement_lines
    WHERE settlement_id = :settlement_no AND version = :version""")
_CLOSINGS = text("""
    SELECT c.version, c.from_date, c.until_date, c.policy_version, c.owed_fen, c.closed_at, a.staff_no AS closed_by,
        r.reopened_at, b.staff_no AS reopened_by, r.reason
    FROM settlement_closings c LEFT JOIN settlement_reopenings r USING (settlement_id, version)
    LEFT JOIN staff a ON a.id = c.closed_by LEFT JOIN staff b ON b.id = r.reopened_by
    WHERE c.settlement_id = :settlement_no AND (CAST(:before AS integer) IS NULL OR c.version < :before)
    ORDER BY c.version DESC LIMIT :limit""")


def listing(*, drafts: bool, limit: int, before: int | None) -> list[Header]:
    """Newest first; closed ones only, unless `drafts` are wanted as well."""
    values = {"drafts": drafts, "limit": limit, "before": before, "version": None}
    with reading() as connection:
        policy = in_force(connection, SettlementPolicy)
        return [_header(row, policy.version, policy.value) for row in connection.execute(_LISTING, values)]


def closings(*, settlement_no: int, limit: int, before: int | None) -> list[PastClosing]:
    """How often it was closed, newest first; none for a statement that never was, or is not there."""
    values = {"settlement_no": settlement_no, "limit": limit, "before": before}
    with reading() as connection:
        return [PastClosing(**row._mapping) for row in connection.execute(_CLOSINGS, values)]


def statement(*, settlement_no: int, stores: Collection[int] | None, version: int | None = None) -> Statement:
    """A statement, or what a former closing of it said.

    A reader with `stores` sees closed ones, and of them the lines in which those stores owe or are owed; None: all of
    it. Raises `NotFound`.
    """
    with transaction() as session:
        session.execute(PATIENCE)
        header = _one(session, settlement_no, version)
        if stores is not None and header.state != "closed":
            raise NotFound
        lines = _lines(session, header)
        seen = [line for line in lines if _concerns(line, stores)]
        return Statement(
            header=header,
            lines=seen,
            nets=[net for net in nets(seen) if stores is None or net.store_id in stores],
            parties=_parties(session, seen),
        )


def _one(session: Session, settlement_no: int, version: int | None) -> Header:
    row = session.execute(_ONE, {"settlement_no": settlement_no, "version": version}).one_or_none()
    if row is None:
        raise NotFound
    policy = in_force(session, SettlementPolicy)
    return _header(row, policy.version, policy.value)


def _header(row: Any, policy_version: int, policy: SettlementPolicy) -> Header:
    told = dict(row._mapping)
    if row.policy is None:
        return Header(**told | {"policy_version": policy_version, "policy": policy})
    return Header(**told | {"policy": convert(row.policy, SettlementPolicy)})


def _lines(session: Session, header: Header) -> list[Line]:
    if header.state == "draft":
        return unsettled(session, header.policy, from_date=header.from_date, until_date=header.until_date)
    values = {"settlement_no": header.settlement_no, "version": header.version}
    found = [Line(**row._mapping) for row in session.execute(_LINES, values)]
    return sorted(found, key=lambda line: line.place)


def _concerns(line: Line, stores: Collection[int] | None) -> bool:
    return stores is None or line.debtor_id in stores or line.creditor_id in stores


def _parties(session: Session, lines: Sequence[Line]) -> dict[int, Party]:
    ids = {line.debtor_id for line in lines} | {line.creditor_id for line in lines}
    rows = session.execute(select(Store.id, Store.code, Store.name).where(Store.id.in_(ids - {None})))
    return {row.id: Party(code=row.code, name=row.name) for row in rows}
