"""One example or more of every message, for the AsyncAPI document; made of the structs, so each is a right one."""

import msgspec

from gateway.protocol import messages
from gateway.protocol.messages import FromClient, FromServer

EPOCH, VIEW = "k3", "9f3c52d07a1be644"
NOW = 1753791600.0


class Example(msgspec.Struct, frozen=True):
    """``name`` is unique among the examples of one message."""

    name: str
    summary: str
    message: FromClient | FromServer


FROM_CLIENT = (
    Example(
        "phone",
        "The installation of an app says who it is",
        messages.Auth(id=1, token="…", device="phone-3f9a"),  # noqa: S106 - no token, an ellipsis
    ),
    Example("anew", "Whoever holds nothing", messages.Subscribe(id=2, site="home", keys=("#",))),
    Example(
        "resume",
        "Go on from what is held, four deltas a second at most",
        messages.Subscribe(
            id=3,
            site="home",
            keys=("chargepoints/+/power_w", "grid/#"),
            min_interval_ms=250.0,
            held=messages.Held(epoch=EPOCH, seq=18_050, view=VIEW),
            events_after="1753791600123-0",
        ),
    ),
    Example("pause", "The app goes to the background", messages.Update(id=4, subscription=7, paused=True)),
    Example(
        "other keys",
        "Another page of the app is shown",
        messages.Update(id=5, subscription=7, keys=("vehicles/#",), min_interval_ms=1000.0),
    ),
    Example("unsubscribe", "No more of it", messages.Unsubscribe(id=6, subscription=7)),
    Example("ping", "After waking up: is anybody there?", messages.Ping()),
)
FROM_SERVER = (
    Example(
        "stranger",
        "To whom has not said yet who it is",
        messages.Hello(
            server=messages.ServerInfo(version="0.1.0"),
            server_time=NOW,
            auth="required",
            limits=messages.Limits(),
        ),
    ),
    Example(
        "answer",
        "To the message `auth`",
        messages.Authenticated(id=1, user="anna", scopes=("admin",), connection="Yw3kq0bXhA2c"),
    ),
    Example(
        "header",
        "The handshake's header said who it is",
        messages.Authenticated(id=None, user="anna", scopes=("admin",), connection="b7Tn2LwQx0aE"),
    ),
    Example(
        "snapshot",
        "All of it comes",
        messages.Subscribed(
            id=2,
            subscription=7,
            view=VIEW,
            how="snapshot",
            epoch=EPOCH,
            seq=18_100,
            min_interval_ms=0,
            events_after="1753791600123-0",
        ),
    ),
    Example(
        "resumed",
        "A delta brings what changed since",
        messages.Subscribed(
            id=3,
            subscription=7,
            view=VIEW,
            how="resumed",
            epoch=EPOCH,
            seq=18_050,
            min_interval_ms=250,
            events_after="1753791600123-0",
        ),
    ),
    Example("answer", "To `unsubscribe`", messages.Unsubscribed(id=6, subscription=7)),
    Example("by itself", "The site may no longer be seen", messages.Unsubscribed(id=None, subscription=7)),
    Example(
        "whole",
        "A snapshot in one part",
        messages.SnapshotPart(
            subscription=7,
            epoch=EPOCH,
            seq=18_100,
            part=1,
            parts=1,
            values={
                "grid/power_w": [-1234.5, 1753791600.05],
                "battery/power_w": [12.0, 1753791500.0, "stale"],
                "vehicles/2/soc_percent": [None, None],
                "link/state": ["up", 1753791000.0],
            },
        ),
    ),
    Example(
        "changes",
        "One value changed, one became stale, one key ceased to be",
        messages.DeltaMessage(
            subscription=7,
            from_seq=18_100,
            seq=18_104,
            values={
                "grid/power_w": [-1180.0, 1753791600.31],
                "battery/power_w": [12.0, 1753791500.0, "stale"],
                "chargepoints/6/name": None,
            },
        ),
    ),
    Example(
        "heartbeat", "Nothing changed", messages.DeltaMessage(subscription=7, from_seq=18_104, seq=18_109, values={})
    ),
    Example("new epoch", "The data of the site began anew", messages.Reset(subscription=7, reason="epoch", now=7)),
    Example("rights", "The rights have changed", messages.Reset(subscription=7, reason="view", now=9)),
    Example("pong", "Yes", messages.Pong()),
    Example(
        "link",
        "The box is silent",
        messages.EventMessage(
            event_id="1753791600123-0",
            at=1753791600.05,
            site="home",
            event="link_changed",
            details={"before": "up", "state": "silent", "reason": None},
        ),
    ),
    Example(
        "fault",
        "A charge point has a problem",
        messages.EventMessage(
            event_id="1753791660007-0",
            at=1753791660.0,
            site="home",
            event="fault",
            details={
                "target": "chargepoints/4",
                "before": 0,
                "fault_state": 2,
                "fault_text": "no connection to the charge point",
            },
        ),
    ),
    Example(
        "update",
        "The box was updated",
        messages.EventMessage(
            event_id="1753795200500-1",
            at=1753795200.4,
            site="home",
            event="box_updated",
            details={"before": "2.1.8", "version": "2.1.9"},
        ),
    ),
    Example(
        "plugged",
        "A car was plugged in",
        messages.EventMessage(
            event_id="1753795230100-0",
            at=1753795230.05,
            site="home",
            event="charge_session_started",
            details={"chargepoint_id": "4", "plugged_at": 1753795230.05, "vehicle_id": 2, "mode": "pv"},
        ),
    ),
    Example(
        "unplugged",
        "It was unplugged again, with 12.5 kWh more",
        messages.EventMessage(
            event_id="1753802430600-0",
            at=1753802430.55,
            site="home",
            event="charge_session_ended",
            details={
                "chargepoint_id": "4",
                "plugged_at": 1753795230.05,
                "vehicle_id": 2,
                "unplugged_at": 1753802430.55,
                "energy_wh": 12500.4,
                "charging_s": 5400.25,
                "incomplete": None,
            },
        ),
    ),
    Example(
        "gap",
        "More happened meanwhile than is told here",
        messages.EventGap(site="home", after="1753000000000-0"),
    ),
    Example("drain", "The process is about to end", messages.Drain(within_s=30.0)),
    Example(
        "later",
        "May work after ten seconds",
        messages.Error(
            id=2, code="too_many_views", message="at most 256 different views of a site", retry_after_s=10.0
        ),
    ),
    Example(
        "never",
        "Works only once something else has changed",
        messages.Error(id=3, code="not_found", message="there is no site 'yard'"),
    ),
)
EXAMPLES = (*FROM_CLIENT, *FROM_SERVER)
