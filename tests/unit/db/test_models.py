"""Types that keep exactly what they are given, or refuse it."""

from decimal import Decimal

import pytest
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect

from gateway.db.columns import ExactDecimal, Octets

DIALECTS: list[Dialect] = [sqlite.dialect(), mysql.dialect()]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
@pytest.mark.parametrize("text", ["0", "-0.001", "999999999999999.999", "1E+3", "12.340"])
def test_a_decimal_comes_back_exactly(dialect: Dialect, text: str) -> None:
    kind = ExactDecimal()
    stored = kind.process_bind_param(Decimal(text), dialect)
    assert isinstance(stored, str) == (dialect.name == "sqlite")
    assert kind.process_result_value(stored, dialect) == Decimal(text)


@pytest.mark.parametrize("text", ["0.0001", "1000000000000000", "NaN", "Infinity"])
def test_what_could_only_be_kept_rounded_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most three decimals"):
        ExactDecimal().process_bind_param(Decimal(text), DIALECTS[0])


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_unknown_stays_unknown(dialect: Dialect) -> None:
    for kind in (ExactDecimal(), Octets()):
        assert kind.process_bind_param(None, dialect) is None
        assert kind.process_result_value(None, dialect) is None


def test_the_columns_of_each_database() -> None:
    names = [str(ExactDecimal().load_dialect_impl(dialect).compile(dialect)) for dialect in DIALECTS]
    assert names == ["VARCHAR(20)", "NUMERIC(18, 3)"]
