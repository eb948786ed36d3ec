"""How a value is declared."""

from enum import Enum

import msgspec


class Access(Enum):
    """Who may see a value.

    public: every member of the site, though without a grant. site: who may observe the site or the charge point.
    owner: whom it belongs to, and admins. admin: admins only.
    """

    public = "public"
    site = "site"
    owner = "owner"
    admin = "admin"


class Kind(Enum):
    """The type of a value. A number list holds the three phases, a price list pairs of start and price."""

    number = "number"
    integer = "integer"
    boolean = "boolean"
    text = "text"
    number_list = "number_list"
    price_list = "price_list"
    object = "object"
    time = "time"


class Freshness(Enum):
    """The unit whose silence makes a value stale."""

    link = "link"
    site = "site"
    chargepoint = "chargepoint"
    vehicle = "vehicle"
    battery = "battery"
    pv = "pv"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a value of the kind object; each is always there, None where it says nothing."""

    name: str
    kind: Kind
    unit: str | None = None
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    fields: tuple["Field", ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One value. ``maximum`` of a text is its length in characters, ``sign`` says what a positive number means.

    ``freshness`` is the unit its staleness follows; ``text_en`` and ``text_de`` name it for people.
    """

    pattern: str
    kind: Kind
    freshness: Freshness
    text_en: str
    text_de: str
    access: Access = Access.site
    recorded: bool = False
    unit: str | None = None
    sign: str | None = None
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    fields: tuple[Field, ...] = ()
