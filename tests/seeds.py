"""How many generated examples a property is tried with: all of them in `make test-long`, a fourth in `make test`."""

import os

from hypothesis import HealthCheck, settings

MANY = bool(os.environ.get("MANY_SEEDS"))
_USUAL = 100


def examples(many: int) -> int:
    """So many of `many` are tried now."""
    return many if MANY else max(1, many // 4)


def choose_profile() -> None:
    """For whatever names no number of its own. That a machine has much else to do is no fault of a property."""
    settings.register_profile(
        "ours",
        max_examples=examples(_USUAL),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("ours")
