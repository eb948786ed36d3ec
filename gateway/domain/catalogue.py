"""Every value of a site, declared once.

A key is declared by a pattern in which ``+`` stands for an id and a final ``#`` for a topic of the box. What the
values are stands in ``catalogue_entries``; here is what can be asked of them.
"""

from collections.abc import Mapping, Sequence

from gateway.domain.catalogue_entries import ENTRIES
from gateway.domain.entries import Access, Entry, Field, Freshness, Kind
from gateway.domain.values import JsonValue

__all__ = ["CATALOGUE", "Access", "Entry", "Field", "Freshness", "Kind", "check", "entry_for", "fits", "values_page"]

CATALOGUE: tuple[Entry, ...] = ENTRIES

RAW = "raw/"
_BY_PATTERN: Mapping[str, Entry] = {entry.pattern: entry for entry in ENTRIES}

PHASES = 3


def entry_for(key: str) -> Entry | None:
    """The entry that declares a key, or None for a key that is none of ours."""
    entry = _BY_PATTERN.get(key)
    if entry is not None:
        return None if "+" in key or "#" in key else entry
    if key.startswith(RAW):
        return _BY_PATTERN[RAW + "#"]
    levels = key.split("/")
    for place in (1, 2):
        if place < len(levels) and levels[place] not in ("", "+", "#"):
            entry = _BY_PATTERN.get("/".join([*levels[:place], "+", *levels[place + 1 :]]))
            if entry is not None:
                return entry
    return None


def check(key: str, value: JsonValue) -> bool:
    """Whether the key is declared and the value inside its type and range; None, known to be unknown, always is."""
    entry = entry_for(key)
    return entry is not None and fits(entry, value)


def fits(declared: Entry | Field, value: JsonValue) -> bool:
    """Whether a value is inside the declared type and range."""
    if value is None:
        return True
    match declared.kind:
        case Kind.boolean:
            return isinstance(value, bool)
        case Kind.number | Kind.integer | Kind.time:
            return _is_number(value, whole=declared.kind is Kind.integer) and _in_range(declared, value)
        case Kind.text:
            return isinstance(value, str) and _allowed(declared, value)
        case Kind.number_list:
            return (
                isinstance(value, list) and len(value) == PHASES and all(_list_item(declared, one) for one in value)
            )
        case Kind.price_list:
            return isinstance(value, list) and all(_price(declared, one) for one in value)
        case Kind.object | _:
            return isinstance(value, dict) and _object(declared.fields, value)


def _is_number(value: JsonValue, *, whole: bool) -> bool:
    return isinstance(value, int if whole else int | float) and not isinstance(value, bool)


def _in_range(declared: Entry | Field, value: JsonValue) -> bool:
    assert isinstance(value, int | float)
    low, high = declared.minimum, declared.maximum
    # written so that NaN is outside even where no limit is declared
    return (value >= low if low is not None else value > float("-inf")) and (
        value <= high if high is not None else value < float("inf")
    )


def _allowed(declared: Entry | Field, value: str) -> bool:
    if declared.allowed:
        return value in declared.allowed
    return declared.maximum is None or len(value) <= declared.maximum


def _list_item(declared: Entry | Field, value: JsonValue) -> bool:
    return value is None or (_is_number(value, whole=False) and _in_range(declared, value))


def _price(declared: Entry | Field, pair: JsonValue) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == len(("start", "price"))
        and _is_number(pair[0], whole=True)
        and _list_item(declared, pair[1])
    )


def _object(fields: Sequence[Field], value: Mapping[str, JsonValue]) -> bool:
    return value.keys() == {field.name for field in fields} and all(
        fits(field, value[field.name]) for field in fields
    )


def values_page() -> str:
    """``docs/values.md``: the catalogue as a page."""
    lines = [_PAGE_HEAD]
    for group, entries in _groups():
        lines += [f"\n## {group}\n", "| key | type | unit | allowed | fresh by | access | recorded | meaning |"]
        lines.append("|---|---|---|---|---|---|---|---|")
        lines += [_row(entry) for entry in entries]
    return "\n".join(lines) + "\n"


_PAGE_HEAD = """# Values

Written by `gateway.domain.catalogue.values_page()`; a test compares. Every key a site can have; `<id>` is the id the
box gave: numbers with gaps. A value may always be `null`: known to be unknown; so may one phase of a list. A number
list holds phases L1 to L3, a price list pairs of start and price. Times are epoch seconds, UTC.

Access: `public` = every member of the site, `site` = who may observe the site or the charge point, `owner` = whom it
belongs to, and admins, `admin` = admins only."""


def _groups() -> list[tuple[str, list[Entry]]]:
    groups: dict[str, list[Entry]] = {}
    for entry in CATALOGUE:
        groups.setdefault(entry.pattern.partition("/")[0], []).append(entry)
    return list(groups.items())


def _row(entry: Entry) -> str:
    key = entry.pattern.replace("+", "<id>").replace("#", "<topic>")
    meaning = f"{entry.text_en} ({entry.text_de})"
    if entry.sign:
        meaning += f"; {entry.sign}"
    if entry.fields:
        meaning += "; " + ", ".join(_field(field) for field in entry.fields)
    kind = entry.kind.value.replace("_", " ")
    recorded = "yes" if entry.recorded else ""
    cells = (
        f"`{key}`",
        kind,
        entry.unit or "",
        _limits(entry),
        entry.freshness.value,
        entry.access.value,
        recorded,
        meaning,
    )
    return "| " + " | ".join(cells) + " |"


def _limits(declared: Entry | Field) -> str:
    if declared.allowed:
        return ", ".join(declared.allowed)
    if declared.kind is Kind.text:
        return f"up to {declared.maximum:,.0f} characters" if declared.maximum is not None else ""
    if declared.minimum is not None and declared.maximum is not None:
        return f"{declared.minimum:,.15g} to {declared.maximum:,.15g}"
    return ""


def _field(field: Field) -> str:
    of = " ".join(filter(None, (field.unit, _limits(field)))) or field.kind.value
    return f"`{field.name}` ({of})"
