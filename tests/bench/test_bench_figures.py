"""The benchmark's arithmetic: a wrong median would be believed."""

from dataclasses import replace

import pytest

from bench.figures import (
    Figures,
    Sample,
    cost,
    cost_sentence,
    extrapolated,
    extrapolated_sentence,
    figures,
    over_rounds,
    percentile,
    ratio,
    sentence,
    slowest,
    slowest_sentence,
    table,
)


def at(rps: float, app_cpu_ms: float | None = 1.0) -> Figures:
    return Figures(
        operations=100,
        rps=rps,
        p50_ms=1.0,
        p95_ms=2.0,
        p99_ms=3.0,
        app_cpu_ms=app_cpu_ms,
        database_cpu_ms=0.5,
        client_cpu_percent=10.0,
    )


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, share) for share in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_cpu_is_counted_for_each_operation() -> None:
    sample = Sample(operations=4, elapsed_s=2.0, latencies_ms=[1, 2, 3, 4], app_cpu_s=0.02, client_cpu_s=0.5)
    found = figures(sample)
    assert (found.rps, found.app_cpu_ms, found.client_cpu_percent) == (2.0, 5.0, 25.0)
    assert found.database_cpu_ms is None


def test_an_empty_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        figures(Sample(operations=0, elapsed_s=1.0, latencies_ms=[]))


def test_one_disturbed_round_does_not_move_the_median() -> None:
    assert over_rounds([at(500), at(20), at(510)]).rps == 500
    assert over_rounds([at(1, None), at(2, None)]).app_cpu_ms is None


def test_a_ratio_compares_neighbours_in_time() -> None:
    rounds = {"sale": [at(100), at(30), at(120)], "reference": [at(200), at(60), at(400)]}
    found = ratio("sale", "reference", rounds, 30.0)
    assert (found.percent, found.lowest_percent, found.highest_percent) == (50, 30, 50)
    assert sentence(found) == "sale / reference: 50 % (30 to 50), goal 30 %: met"


def test_a_missed_goal_is_said_loudly() -> None:
    rounds = {"sale": [at(20)], "reference": [at(100)]}
    assert sentence(ratio("sale", "reference", rounds, 30.0)).endswith("MISSED")


def test_the_table_has_a_line_for_each_measurement() -> None:
    lines = table({"hello": at(12_345), "sale reference": at(1, None)}).splitlines()
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1
    assert "12,345" in lines[1]
    assert " - " in lines[2]


def test_a_cost_is_that_of_app_and_database_together() -> None:
    found = cost("quote", [at(1, 1.0), at(1, 7.0), at(1, 3.0)], 25.0)
    assert (found.cpu_ms, found.lowest_ms, found.highest_ms) == (3.5, 1.5, 7.5)
    assert cost_sentence(found) == "quote: 3.5 ms of CPU (1.5 to 7.5), goal 25 ms: met"
    assert cost_sentence(cost("quote", [at(1, 25.0)], 25.0)).endswith("MISSED")


def test_a_cost_may_be_unknown() -> None:
    assert cost_sentence(cost("quote", [at(1, None)], 25.0)) == "quote: CPU not known here, goal 25 ms"


def test_the_slowest_are_compared_with_those_of_the_same_round() -> None:
    rounds = {"busy": [replace(at(1), p99_ms=9.0), replace(at(1), p99_ms=30.0)], "quiet": [at(1), at(1)]}
    found = slowest("busy", "quiet", rounds, goal_percent=150.0)
    assert (found.p99_ms, found.percent) == (19.5, 650.0)
    assert slowest_sentence(found) == "busy: p99 20 ms, 650 % of quiet, goal 150 %: MISSED"
    assert (
        slowest_sentence(slowest("quiet", "", rounds, goal_ms=1_500.0))
        == "quiet: p99 3 ms, goal 1,500 ms: met"
    )


def test_what_was_measured_with_fewer_says_so() -> None:
    found = extrapolated("planning", [at(5_000), at(20_000), at(10_000)], 200_000, 20.0)
    assert (found.seconds, found.lowest_s, found.highest_s) == (20.0, 10.0, 40.0)
    few = replace(found, measured=20_000)
    assert extrapolated_sentence(few).endswith("(10.0 to 40.0) at the pace of 20,000, goal 20 s: met")
    whole = replace(found, measured=200_000, seconds=20.1)
    assert extrapolated_sentence(whole) == "planning: 200,000 in 20.1 s (10.0 to 40.0), goal 20 s: MISSED"
