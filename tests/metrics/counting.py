"""What the metrics of this process have gained."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.shared import metrics

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def series() -> Series:
    """The values of all series, by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
    }


class Gained:
    """What the series have gained during a block, known at its end."""

    def __init__(self) -> None:
        self.by_series: Series = {}

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """What the series of this name have gained, by the values of their labels in the order of the labels' names."""
        return {
            tuple(value for _, value in labels): gain
            for (found, labels), gain in self.by_series.items()
            if found == name and gain
        }

    def __getitem__(self, name: str) -> float:
        """What the series of this name have gained together."""
        return sum(self.of(name).values())


@contextmanager
def gained() -> Iterator[Gained]:
    """Watch the metrics."""
    before, result = series(), Gained()
    yield result
    result.by_series = {key: value - before.get(key, 0) for key, value in series().items()}
