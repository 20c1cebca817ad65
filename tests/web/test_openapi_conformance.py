"""The product does what its OpenAPI document says, whatever is sent: generated requests, good and bad ones.

The seed is printed; set CONFORMANCE_SEED to repeat a run.
"""

import os
import random
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from tests.actors import Actors
from tests.shop import Shop


def not_a_crash(_: Any, response: Any, case: Any) -> None:
    """503 is an answer: what is not set up here, or away, says so."""
    assert response.status_code in (503, *range(200, 500)), f"{case.method} {case.path}: {response.text}"


CHECKS = [
    not_a_crash,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
ACTORS = {
    "api": ("member_a", "till_1"),
    "pos": ("till_1", "clerk"),
    "office": ("admin", "manager", "clerk", "member_a"),
}


@pytest.fixture(scope="module")
def seed() -> int:
    return int(os.environ.get("CONFORMANCE_SEED", "") or random.SystemRandom().randrange(2**32))


def operations(shop: Shop) -> Iterator[Any]:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", shop.app)
    for found in schema.get_all_operations():
        yield found.ok()


def send(actors: Actors, case: Any, actor: str) -> None:
    """As that actor, with a token that the request before did not end; and check what came back."""
    redis = actors.shop.parts.redis
    assert redis is not None
    redis.flushdb()  # how often one may ask is another test's subject
    case.call_and_validate(headers=actors.headers(actor), checks=CHECKS)


def exchange(actors: Actors, operation: Any, mode: GenerationMode, actor: str, most: int, seed: int) -> int:
    """Send up to `most` requests of that mode; how many."""
    sent = 0

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=most,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        nonlocal sent
        send(actors, case, actor)
        sent += 1

    try:
        run()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label  # there is nothing to get wrong in it
    return sent


def hold(shop: Shop, seed: int, *, good: int, bad: int, others: int) -> int:
    """Send so many good and so many bad requests to every operation, fewer of them as `others`; how many."""
    print(f"CONFORMANCE_SEED={seed}")
    actors, sent, wrong, chance = Actors(shop), 0, [], random.Random(seed)
    for operation in operations(shop):
        first, *rest = ACTORS[operation.path.split("/")[1]]
        met = [first, *chance.sample(rest, min(others, len(rest)))]
        for mode, most_of in ((GenerationMode.POSITIVE, good), (GenerationMode.NEGATIVE, bad)):
            for actor in met if most_of else ():
                most = most_of if actor == first else max(1, most_of // 4)
                try:
                    sent += exchange(actors, operation, mode, actor, most, seed)
                except BaseExceptionGroup as found:
                    wrong.append(f"{operation.label} as {actor}: {[str(one) for one in found.exceptions]}")
    assert wrong == []
    return sent


@pytest.mark.timeout(300)
def test_every_operation_answers_as_documented(shop: Shop, seed: int) -> None:
    """To good requests; what is made of bad ones is asked of every operation in test_bad_input.py."""
    assert hold(shop, seed, good=1, bad=0, others=0) > 200


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_operation_answers_many_requests_as_documented(shop: Shop, seed: int) -> None:
    assert hold(shop, seed, good=20, bad=20, others=3) > 10_000
