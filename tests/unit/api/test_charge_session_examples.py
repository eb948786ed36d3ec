"""What the documentation shows is what is told."""

import json
from typing import Any, get_args

import msgspec
import pytest

from gateway.api import charge_session_examples as examples
from gateway.api.charge_session_answers import DetailAnswer, VersionAnswer
from gateway.api.charge_sessions import ChargeSessionsAnswer, CorrectionRequest, CurrentSessionsAnswer
from gateway.api.statistics import ReconcileAnswer, StatisticsAnswer
from gateway.domain.charge_sessions import FLAGS
from gateway.domain.reconcile import Cause
from tests.support.documents import blocks
from tests.support.gateway import ROOT

PAGE = "docs/charge-sessions.md"


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


def test_the_page_shows_what_is_told_and_taken() -> None:
    shown, taken = (json.loads(block.text) for block in blocks() if block.page == PAGE and block.language == "json")
    (told,) = examples.LIST["sessions"]
    assert {key: told[key] for key in shown} == shown
    msgspec.convert(taken, CorrectionRequest)


def test_the_page_explains_every_flag_and_cause() -> None:
    text = (ROOT / PAGE).read_text()
    assert [word for word in (*FLAGS, *get_args(Cause)) if f"| `{word}` |" not in text] == []
