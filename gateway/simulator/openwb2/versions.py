"""What differs between the versions of 2.x that the simulated box can be (openwb.md 8)."""

from typing import Final, Literal, TypeAlias

import msgspec

VersionName: TypeAlias = Literal["2.2.2", "2.1.7"]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """``whole_templates``: since 2.1.8 a template is one object and stands at the charge point; before, its members
    are written one by one. ``ep``: the branch of prices since 2.1.9, ``et`` before. ``named_commands``: a command may
    be written to a topic with its name. ``log_members_missing``: what the charge log did not have yet.
    """

    name: VersionName
    datastore: int
    whole_templates: bool
    temporary_templates: bool
    prices_branch: Literal["ep", "et"]
    fed_branch: bool
    named_commands: bool
    config_vehicle_key: Literal["_ev", "ev"]
    log_members_missing: frozenset[str] = frozenset()


HEAD: Final = Version(
    name="2.2.2",
    datastore=139,
    whole_templates=True,
    temporary_templates=True,
    prices_branch="ep",
    fed_branch=True,
    named_commands=True,
    config_vehicle_key="_ev",
)
BEFORE_2_1_8: Final = Version(
    name="2.1.7",
    datastore=82,
    whole_templates=False,
    temporary_templates=False,
    prices_branch="et",
    fed_branch=False,
    named_commands=False,
    config_vehicle_key="ev",
    log_members_missing=frozenset(
        {
            "exported_at_start",
            "exported_at_end",
            "exported_since_mode_switch",
            "exported_since_plugged",
            "exported_at_mode_switch",
            "exported_at_plugtime",
            "odometer",
        }
    ),
)
VERSIONS: Final[dict[VersionName, Version]] = {HEAD.name: HEAD, BEFORE_2_1_8.name: BEFORE_2_1_8}
