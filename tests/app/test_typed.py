"""Types that many threads meet for the first time in one moment."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

# A process of its own, because it must be the first time, and because the control may end it.
_PROGRAM = """
import sys
from threading import Barrier, Thread
import msgspec
from app import typed
from app.checkout import quoted, record
from app.discounts.benefit import Told
from app.points.pay import PointsUse

told = Told(key="a", applied=True, reason="applied")
priced = quoted.Priced(
    lines=(), benefits=(quoted.QuotedBenefit(name_zh="", name_en="", told=told),) * 50, complete=True, goods_fen=0,
    discount_fen=0, rounding_fen=0, amount_fen=0, points=PointsUse(points=0, fen=0, reason="none"),
    balance=quoted.QuotedBalance(principal_fen=0, bonus_fen=0, most_fen=0, reason="none"), payable_fen=0,
    earning=quoted.QuotedEarning(points=0, rule_id=None, available_at=None, expires_at=None, parts=(), counts=()),
    tier=None, versions={})
data = msgspec.json.encode(priced)
barrier, read = Barrier(16), []

def go():
    barrier.wait()
    read.append(READ(data))

sys.setswitchinterval(1e-6)
threads = [Thread(target=go) for _ in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert read == [priced] * 16
"""
_GUARDED = "typed.read(data, quoted.Priced)"


def outcome(read: str) -> int:
    program = _PROGRAM.replace("READ(data)", read)
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False).returncode


def test_many_threads_meet_a_type_at_once() -> None:
    assert outcome(_GUARDED) == 0


@pytest.mark.long
def test_the_control_a_type_that_each_thread_shows_to_msgspec_itself() -> None:
    """Without the lock three of four such processes end; once msgspec is mended this fails, and the lock may go."""
    control = "msgspec.json.decode(data, type=quoted.Priced)"
    assert any(outcome(control) for _ in range(20))
