"""What values there are, in the reader's language."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from litestar import get
from litestar.params import QueryParameter

from gateway.api.errors import problems
from gateway.domain.catalogue import CATALOGUE, Access, Entry, Field, Freshness, Kind

Language: TypeAlias = Literal["en", "de"]


class FieldAnswer(msgspec.Struct, frozen=True):
    """A member of a value that is an object."""

    name: str
    type: Kind
    unit: str | None
    allowed: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    fields: "tuple[FieldAnswer, ...]"


class EntryAnswer(msgspec.Struct, frozen=True):
    """``key`` is a pattern in which `+` stands for an id; ``sign`` says what a positive number means."""

    key: Annotated[str, msgspec.Meta(examples=["chargepoints/+/power_w"])]
    type: Kind
    unit: str | None
    sign: str | None
    allowed: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    freshness: Freshness
    access: Access
    recorded: bool
    text: str
    fields: tuple[FieldAnswer, ...]


class CatalogueAnswer(msgspec.Struct, frozen=True):
    language: Language
    entries: tuple[EntryAnswer, ...]


@get(
    "/catalogue",
    summary="What values there are",
    description="Every value a site can have: its key, type, unit, sign, range and name.",
    responses=problems(400, 401, 503),
    tags=["sites"],
)
async def catalogue(
    lang: Annotated[Language, QueryParameter(description="The language of the texts.")] = "en",
) -> CatalogueAnswer:
    return CatalogueAnswer(lang, tuple(_entry(entry, lang) for entry in CATALOGUE))


def _entry(entry: Entry, language: Language) -> EntryAnswer:
    return EntryAnswer(
        key=entry.pattern,
        type=entry.kind,
        unit=entry.unit,
        sign=entry.sign,
        allowed=entry.allowed,
        minimum=entry.minimum,
        maximum=entry.maximum,
        freshness=entry.freshness,
        access=entry.access,
        recorded=entry.recorded,
        text=entry.text_de if language == "de" else entry.text_en,
        fields=tuple(_field(field) for field in entry.fields),
    )


def _field(field: Field) -> FieldAnswer:
    return FieldAnswer(
        name=field.name,
        type=field.kind,
        unit=field.unit,
        allowed=field.allowed,
        minimum=field.minimum,
        maximum=field.maximum,
        fields=tuple(_field(inner) for inner in field.fields),
    )
