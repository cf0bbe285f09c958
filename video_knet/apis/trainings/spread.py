"""Mean and spread over seeds."""

import statistics
from collections.abc import Sequence


def mean_and_spread(values: Sequence[float | None], signed: bool = False) -> str:
    """Fractions as percent: mean, and standard deviation where there are several; a dash where one is undefined."""
    if not values or any(value is None for value in values):
        return "-"
    percents = [100 * value for value in values]
    spread = f" ± {statistics.stdev(percents):.1f}" if len(percents) > 1 else ""
    return f"{statistics.fmean(percents):{'+' if signed else ''}.1f}{spread}"
