"""From samples to figures: percentiles, medians over rounds, ratios, the table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import median


class BooksUnsound(Exception):
    """The audits found differences, or what was acknowledged is not there."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One measurement in one round. CPU is that of all processes together; None where it cannot be known."""

    operations: int
    elapsed_s: float
    latencies_ms: Sequence[float]
    app_cpu_s: float | None = None
    database_cpu_s: float | None = None
    client_cpu_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a sample comes to. Rates per second, times in milliseconds, CPU milliseconds for one operation."""

    operations: int
    rps: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    app_cpu_ms: float | None
    database_cpu_ms: float | None
    client_cpu_percent: float | None


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """`what` as a share of `of`, both of the same round; the goal is a least share, None where there is none."""

    what: str
    of: str
    percent: float
    lowest_percent: float
    highest_percent: float
    goal_percent: float | None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU milliseconds that one `what` takes of app and database together, and the most it should; None: not known."""

    what: str
    cpu_ms: float | None
    lowest_ms: float | None
    highest_ms: float | None
    goal_ms: float


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that `share` percent of all do not exceed (nearest rank). Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * share / 100) - 1)]


def figures(sample: Sample) -> Figures:
    """Raises ValueError for a sample without an operation."""
    if sample.operations < 1:
        raise ValueError("nothing was measured")
    return Figures(
        operations=sample.operations,
        rps=sample.operations / sample.elapsed_s,
        p50_ms=percentile(sample.latencies_ms, 50),
        p95_ms=percentile(sample.latencies_ms, 95),
        p99_ms=percentile(sample.latencies_ms, 99),
        app_cpu_ms=_each_ms(sample.app_cpu_s, sample.operations),
        database_cpu_ms=_each_ms(sample.database_cpu_s, sample.operations),
        client_cpu_percent=None
        if sample.client_cpu_s is None
        else 100 * sample.client_cpu_s / sample.elapsed_s,
    )


def _each_ms(cpu_s: float | None, operations: int) -> float | None:
    return None if cpu_s is None else 1000 * cpu_s / operations


def over_rounds(rounds: Sequence[Figures]) -> Figures:
    """The median of each figure: a round in which the machine was busy with something else weighs nothing."""
    columns = {name: [getattr(one, name) for one in rounds] for name in asdict(rounds[0])}
    return Figures(
        **{name: None if None in values else median(values) for name, values in columns.items()}  # type: ignore[arg-type]
    )


def ratio(
    what: str, of: str, rounds: Mapping[str, Sequence[Figures]], goal_percent: float | None = None
) -> Ratio:
    """Compared round by round, because neighbours in time saw the same machine; the median of that."""
    shares = [100 * a.rps / b.rps for a, b in zip(rounds[what], rounds[of], strict=True)]
    return Ratio(
        what=what,
        of=of,
        percent=median(shares),
        lowest_percent=min(shares),
        highest_percent=max(shares),
        goal_percent=goal_percent,
    )


@dataclass(frozen=True, kw_only=True)
class Slowest:
    """The p99 of `what`, and as a share of that of `of` in the same round, if there is one to compare with."""

    what: str
    of: str
    p99_ms: float
    percent: float | None
    goal_ms: float | None
    goal_percent: float | None


def slowest(
    what: str,
    of: str,
    rounds: Mapping[str, Sequence[Figures]],
    *,
    goal_ms: float | None = None,
    goal_percent: float | None = None,
) -> Slowest:
    """Medians over the rounds."""
    shares = [100 * a.p99_ms / b.p99_ms for a, b in zip(rounds[what], rounds[of], strict=True)] if of else []
    return Slowest(
        what=what,
        of=of,
        p99_ms=median(one.p99_ms for one in rounds[what]),
        percent=median(shares) if shares else None,
        goal_ms=goal_ms,
        goal_percent=goal_percent,
    )


def slowest_sentence(one: Slowest) -> str:
    """As `sentence`, of times."""
    if one.percent is None or one.goal_percent is None:
        text, met = f"{one.what}: p99 {one.p99_ms:,.0f} ms", True
    else:
        text = f"{one.what}: p99 {one.p99_ms:,.0f} ms, {one.percent:.0f} % of {one.of}, goal {one.goal_percent:.0f} %"
        met = one.percent <= one.goal_percent
    if one.goal_ms is not None:
        text, met = f"{text}, goal {one.goal_ms:,.0f} ms", met and one.p99_ms <= one.goal_ms
    return f"{text}: {'met' if met else 'MISSED'}"


def cost(what: str, rounds: Sequence[Figures], goal_ms: float) -> Cost:
    """The median over the rounds, and its spread."""
    found = [
        one.app_cpu_ms + one.database_cpu_ms
        for one in rounds
        if one.app_cpu_ms is not None and one.database_cpu_ms is not None
    ]
    return Cost(
        what=what,
        cpu_ms=median(found) if found else None,
        lowest_ms=min(found, default=None),
        highest_ms=max(found, default=None),
        goal_ms=goal_ms,
    )


@dataclass(frozen=True, kw_only=True)
class Extrapolated:
    """How long `what` would take for `operations` at the pace of the rounds, which did `measured` each; the median."""

    what: str
    measured: int
    operations: int
    seconds: float
    lowest_s: float
    highest_s: float
    goal_s: float


def extrapolated(what: str, rounds: Sequence[Figures], operations: int, goal_s: float) -> Extrapolated:
    seconds = [operations / one.rps for one in rounds]
    return Extrapolated(
        what=what,
        measured=rounds[0].operations,
        operations=operations,
        seconds=median(seconds),
        lowest_s=min(seconds),
        highest_s=max(seconds),
        goal_s=goal_s,
    )


def extrapolated_sentence(one: Extrapolated) -> str:
    """As `sentence`; says so where it was not measured at that size."""
    how = "" if one.measured >= one.operations else f" at the pace of {one.measured:,}"
    met = "met" if one.seconds <= one.goal_s else "MISSED"
    spread = f"{one.lowest_s:.1f} to {one.highest_s:.1f}"
    return f"{one.what}: {one.operations:,} in {one.seconds:.1f} s ({spread}){how}, goal {one.goal_s:.0f} s: {met}"


_HEAD = ("", "per second", "p50 ms", "p95 ms", "p99 ms", "app CPU ms", "db CPU ms", "client CPU")


def table(results: Mapping[str, Figures]) -> str:
    """One line a measurement, right-aligned."""
    rows = [_HEAD] + [
        (
            name,
            f"{one.rps:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p95_ms:.2f}",
            f"{one.p99_ms:.2f}",
            _shown(one.app_cpu_ms, "{:.3f}"),
            _shown(one.database_cpu_ms, "{:.3f}"),
            _shown(one.client_cpu_percent, "{:.0f} %"),
        )
        for name, one in results.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(line)
        )
        for line in (list(zip(row, widths, strict=True)) for row in rows)
    )


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def sentence(one: Ratio) -> str:
    """The ratio in words, with its spread over the rounds and whether the goal is met."""
    text = (
        f"{one.what} / {one.of}: {one.percent:.0f} % ({one.lowest_percent:.0f} to {one.highest_percent:.0f})"
    )
    if one.goal_percent is None:
        return text
    return f"{text}, goal {one.goal_percent:.0f} %: {'met' if one.percent >= one.goal_percent else 'MISSED'}"


def cost_sentence(one: Cost) -> str:
    """As `sentence`, of a cost."""
    if one.cpu_ms is None:
        return f"{one.what}: CPU not known here, goal {one.goal_ms:.0f} ms"
    met = "met" if one.cpu_ms <= one.goal_ms else "MISSED"
    spread = f"{one.lowest_ms:.1f} to {one.highest_ms:.1f}"
    return f"{one.what}: {one.cpu_ms:.1f} ms of CPU ({spread}), goal {one.goal_ms:.0f} ms: {met}"
