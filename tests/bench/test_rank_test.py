"""The rank test of tests/bench/mailed.py."""

import random

import pytest

from tests.bench.mailed import rank_test


def test_it_gives_the_probability_of_a_known_example():
    """U = 5 of 5 and 6 values without ties: z = (15 - 5 - 0.5) / sqrt(30)."""
    assert rank_test([1, 2, 3, 6, 8], [4, 5, 7, 9, 10, 11]) == pytest.approx(0.0828, abs=0.0001)


def test_ties_count_half():
    """And equal samples differ in nothing."""
    assert rank_test([1, 2, 2, 3], [1, 2, 2, 3]) == 1
    assert rank_test([5] * 9, [5] * 9) == 1


def test_it_tells_a_small_shift_from_none():
    """With as many samples as the measurement takes; the larger sample may stand on either side."""
    draw = random.Random(4)  # noqa: S311 - no secret
    base, same = ([draw.gauss(10, 1) for _ in range(200)] for _ in range(2))

    assert rank_test(base, same) > 0.05
    assert rank_test(base, [value + 0.5 for value in same]) == rank_test([value + 0.5 for value in same], base) < 0.001
