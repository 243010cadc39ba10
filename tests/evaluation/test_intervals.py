import math

import pytest
from scipy.stats import binomtest

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.evaluation.intervals import mean, proportion


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (7, 10), (65, 100), (100, 100)])
def test_proportion_is_scipys_wilson_interval(successes: int, n: int) -> None:
    oracle = binomtest(successes, n).proportion_ci(method="wilson")
    figure = proportion(successes, n)
    assert figure.mean == successes / n
    assert figure.low == pytest.approx(oracle.low)
    assert figure.high == pytest.approx(oracle.high)


def test_mean_by_hand() -> None:
    # 1, 2, 3: mean 2, standard error 1/sqrt(3), t(0.975, 2) = 4.3027
    figure = mean([1, 2, 3], measured_on="three")
    assert figure.mean == 2
    assert figure.high - 2 == pytest.approx(4.30265 / math.sqrt(3), rel=1e-4)
    assert (figure.n, figure.measured_on) == (3, "three")


def test_one_value_says_nothing_about_its_uncertainty() -> None:
    assert mean([5.0]).high == math.inf


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(InvalidInput):
        proportion(0, 0)
    with pytest.raises(InvalidInput):
        mean([])
