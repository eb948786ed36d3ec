"""What the documentation shows is what is told."""

from typing import Any

import msgspec
import pytest

from gateway.api import charge_session_examples as examples
from gateway.api.charge_session_answers import DetailAnswer, VersionAnswer
from gateway.api.charge_sessions import ChargeSessionsAnswer, CorrectionRequest, CurrentSessionsAnswer
from gateway.api.statistics import ReconcileAnswer, StatisticsAnswer


@pytest.mark.parametrize(
    ("example", "kind"),
    [
        (examples.LIST, ChargeSessionsAnswer),
        (examples.CURRENT, CurrentSessionsAnswer),
        (examples.DETAIL, DetailAnswer),
        (examples.VERSION, VersionAnswer),
        (examples.CORRECTION, CorrectionRequest),
        (examples.STATISTICS, StatisticsAnswer),
        (examples.RECONCILE, ReconcileAnswer),
    ],
)
def test_an_example_is_whole_and_has_nothing_else(example: dict[str, Any], kind: type[Any]) -> None:
    told = msgspec.json.decode(msgspec.json.encode(msgspec.convert(example, kind)))
    assert told == example
