"""``/metrics`` as Prometheus sees it."""

import urllib.request
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from tests.support.waiting import eventually


class Scraped:
    """One answer. ``of`` is 0 for what is not there, as a rate would have it."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def of(self, name: str, **labels: str) -> float:
        return self._samples.get((name, frozenset(labels.items())), 0.0)

    def labels(self, name: str) -> Iterator[dict[str, str]]:
        return (dict(labels) for found, labels in self._samples if found == name)


def scrape(base: str) -> Scraped:
    """Ask a process of this machine, as its neighbour."""
    with urllib.request.urlopen(f"{base}/metrics", timeout=5) as answer:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return Scraped(answer.read().decode())


async def shows(base: str, name: str, least: float, **labels: str) -> Scraped:
    """Wait until it is that much, and not only until the process is there."""

    def found() -> Scraped | None:
        try:
            seen = scrape(base)
        except OSError:
            return None
        return seen if seen.of(name, **labels) >= least else None

    seen = await eventually(found, 20, every_s=0.05, what=f"{name} {labels} >= {least}")
    assert seen is not None
    return seen
