"""Ratios of noisy costs: the median of alternating pairs, a bootstrap interval, and a verdict."""

import random
import statistics
from dataclasses import dataclass

PAIRS_FOR_A_VERDICT = 30
RESAMPLES = 2000


@dataclass
class Ratio:
    median: float
    low: float   # The 95 % interval.
    high: float
    pairs: int

    def verdict(self, goal, at_most=True, pairs_wanted=PAIRS_FOR_A_VERDICT):
        """Met or missed only when the whole interval says so; fewer pairs decide nothing."""
        if self.pairs < pairs_wanted:
            return "not decided (too few pairs)"
        met = self.high < goal if at_most else self.low > goal
        missed = self.low > goal if at_most else self.high < goal
        return "met" if met else "missed" if missed else "not decided"


def median_interval(values, seed=1):
    """The median, and where 95 % of the medians of resampled values lie."""
    chance = random.Random(seed)
    medians = sorted(statistics.median(chance.choices(values, k=len(values)))
                     for _ in range(RESAMPLES))
    return Ratio(statistics.median(values), medians[int(RESAMPLES * 0.025)],
                 medians[int(RESAMPLES * 0.975)], len(values))


def ratio_of_pairs(pairs):
    """`pairs`: (cost, cost of what it is compared to), taken one right after the other."""
    return median_interval([ours / theirs for ours, theirs in pairs])
