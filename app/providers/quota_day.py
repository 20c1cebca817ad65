"""Daily quotas of Chinese platforms start again at midnight in China."""

import math
from datetime import datetime, timedelta, timezone

_CHINA = timezone(timedelta(hours=8))


def until_midnight_s(now: datetime) -> int:
    """Whole seconds, at least one."""
    local = now.astimezone(_CHINA)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, math.ceil((midnight - local).total_seconds()))
