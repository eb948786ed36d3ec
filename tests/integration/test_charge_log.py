"""The box's own log, from a simulated openWB over a real broker, bridge and store into the database."""

import asyncio
import contextlib
import http.server
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import aiomqtt
import pytest

from gateway.bridge.charge_log import ChargeLog, LogPace
from gateway.bridge.charge_log_2 import OverMqtt
from gateway.bridge.charge_log_19 import OverHttp
from gateway.db.box_log import read_entries
from gateway.db.engine import Database
from gateway.domain.box_log import BoxLogEntry
from gateway.domain.box_log_openwb2 import read_log
from gateway.domain.box_log_schedule import Pauses
from gateway.domain.clock import SystemClock
from gateway.domain.errors import BrokerUnavailable, Unreadable
from gateway.domain.months import Month
from gateway.mqtt import Broker
from gateway.run.imports import import_charge_log
from gateway.run.reconciling import reconciled
from gateway.settings import Settings, SiteSettings
from gateway.simulator.words import LogEntry
from gateway.store.requests import BoxLogQueue, Outcome, Piece, Request, RequestQueue
from recorder.box_log import BoxLogTables
from recorder.carry import Carrier, WholeStream
from recorder.carry import Pace as CarryPace
from tests.support.bridge import Bridge
from tests.support.charge_rows import charge_session, write_sessions
from tests.support.mqtt_log import publish
from tests.support.parts import MosquittoPart, RedisPart
from tests.support.rig import bridged
from tests.support.waiting import eventually

BERLIN = ZoneInfo("Europe/Berlin")
DATA = Path(__file__).parents[1] / "data"
CLIENT = "gateway-test-log"
BEGAN_S = 1_790_000_000.0  # in September 2026
MONTH = (2026, 9)


def line(number: int, energy_wh: float, since_plugged_wh: float, mode: str, at_s: float = BEGAN_S) -> LogEntry:
    """Of charge point 5; each begins where the one before ended."""
    start_wh = 10_000_000.0 + since_plugged_wh - energy_wh
    begin_s = at_s + number * 3600
    return LogEntry(
        chargepoint_id=5,
        vehicle_id=1,
        mode="pv" if mode == "pv" else "instant",
        id_tag="04A1B2C3D4",
        begin_s=begin_s,
        end_s=begin_s + 3600,
        charging_s=3000,
        imported_at_start_wh=start_wh,
        imported_at_end_wh=start_wh + energy_wh,
        since_mode_switch_wh=energy_wh,
        since_plugged_wh=since_plugged_wh,
        power_w=energy_wh,
        cost_eur=1.25,
        shares={"grid": 0.25, "pv": 0.75, "bat": 0.0, "cp": 0.0},
        soc_at_start_percent=40.0,
        soc_at_end_percent=50.0,
        range_at_start_km=None,
        range_at_end_km=None,
        odometer_km=23_110.0,
    )


class Way:
    """All that lies between the box and the table."""

    def __init__(self, gateway: Bridge, mqtt_url: str, database: Database) -> None:
        self.site, self.database = gateway.site, database
        self.requests, self.queue = RequestQueue(gateway.redis), BoxLogQueue(gateway.redis)
        broker = Broker(mqtt_url, client_id=CLIENT, connect_deadline_s=2)
        self.log = ChargeLog(
            gateway.site,
            gateway.ingest,
            self.requests,
            self.queue,
            SystemClock(),
            over_mqtt=OverMqtt(broker, CLIENT, BERLIN, prefix="openWB/", answer_s=5),
            over_http=OverHttp("http://127.0.0.1:1", BERLIN),
            zone=BERLIN,
            pace=LogPace(look_s=0.02, pause_s=0.05, unplug=Pauses(0.1, 0.2)),
        )
        gateway.ingest.heard_by(self.log.take)
        self.carrier = Carrier(
            "box log",
            database,
            WholeStream[Piece](self.queue, gateway.site),
            BoxLogTables(gateway.site, SystemClock()),
            pace=CarryPace(most_entries=10, every_s=0.05),
            report=lambda *_: None,
        )

    async def entries(self) -> list[BoxLogEntry]:
        async with self.database.reading() as connection:
            return await read_entries(connection, self.site, 0, 4e9)

    async def outcome(self, month: int) -> Outcome:
        """Ask, and wait for what becomes of it."""
        asked = await self.requests.ask(self.site, Request(MONTH[0], month))
        assert asked is not None
        found = await eventually(lambda: self.requests.outcome_of(self.site, asked), 30, every_s=0.05)
        assert found is not None
        return found


@contextlib.asynccontextmanager
async def way(gateway: Bridge, mqtt_url: str, folder: Path) -> AsyncIterator[Way]:
    database = Database(f"sqlite+aiosqlite:///{folder}/gateway.db")
    await database.migrate()
    made = Way(gateway, mqtt_url, database)
    tasks = [asyncio.create_task(run()) for run in (made.log.run, made.carrier.run)]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.dispose()


@pytest.mark.parametrize("dialect", ["openwb-2", "openwb-2.1.7"])
async def test_what_the_box_wrote_is_in_the_database_once(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, tmp_path: Path, dialect: str
) -> None:
    """With either form of the command's topic: an older box hears only the classic one."""
    known = "openwb-2" if dialect == "openwb-2" else "openwb-2.1.7"
    async with bridged(mosquitto, redis, site, dialect=known) as (box, gateway):  # type: ignore[arg-type]
        box.simulation.box._entries[MONTH] = [line(0, 2000.5, 2000.5, "pv"), line(1, 1000.25, 3000.75, "instant")]
        async with way(gateway, mosquitto.url, tmp_path) as made:
            assert (await made.outcome(9)).entries == 2
            found = await eventually(made.entries, 30, every_s=0.05)
            again = await made.outcome(9)
            assert (again.state, again.entries) == ("done", 2)
            assert (await made.outcome(8)).entries == 0

            async def carried() -> bool:
                return await made.queue.length(made.site) == 0

            await eventually(carried, every_s=0.05)
            assert await made.entries() == found
    first, second = found
    assert (first.energy_wh, second.energy_wh, second.since_plugged_wh) == (
        Decimal("2000.5"),
        Decimal("1000.25"),
        Decimal("3000.75"),
    )
    assert (first.begin, second.end) == (BEGAN_S, BEGAN_S + 7200)
    assert (first.mode, second.mode, first.id_tag) == ("pv", "instant", "04A1B2C3D4")


async def test_an_unplug_is_seen_and_brings_the_entry(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, tmp_path: Path
) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway), way(gateway, mosquitto.url, tmp_path) as made:

        async def idle() -> bool:
            return await made.requests.first(made.site) is None

        await eventually(lambda: made.log._schedule._night is not None)
        await eventually(idle, 30, every_s=0.05)
        box.pause()  # else it would put right at once what is said in its name
        month = Month(*datetime.now(BERLIN).timetuple()[:2])
        now_s = SystemClock().now() - 3600
        box.simulation.box._entries[month] = [line(0, 2000.5, 2000.5, "pv", now_s)]
        for plugged in ("true", "false"):
            await publish(mosquitto.url, ("openWB/chargepoint/5/get/plug_state", plugged))
        await eventually(lambda: made.log._schedule._unplugged, what="the unplug is seen")
        box.resume()
        (entry,) = await eventually(made.entries, 30, every_s=0.05)
        assert entry.energy_wh == Decimal("2000.5")


async def test_the_command_asks_month_by_month_and_sums_up(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, tmp_path: Path
) -> None:
    box_of = SiteSettings(id=site, mqtt_url=mosquitto.url)
    settings = Settings(
        redis_url=redis.url,
        database_url=f"sqlite+aiosqlite:///{tmp_path}/gateway.db",
        data_dir=tmp_path,
        sites=(box_of,),
    )
    async with bridged(mosquitto, redis, site) as (box, gateway), way(gateway, mosquitto.url, tmp_path) as made:
        box.simulation.box._entries[MONTH] = [line(0, 2000.5, 2000.5, "pv"), line(1, 1000.25, 3000.75, "instant")]
        for new in (2, 0):
            told: list[str] = []
            summary = await import_charge_log(settings, box_of, Month(2026, 8), Month(2026, 9), told.append)
            assert (summary.entries, summary.new, summary.failed) == (2, new, ())
            assert told == ["2026-08: 0 entries", "2026-09: 2 entries"]
        (row,) = await reconciled(settings, box_of, Month(2026, 9), Month(2026, 9))
        assert (row.chargepoint, row.box_wh, row.gateway_wh, row.meter_wh) == ("5", Decimal("3000.75"), None, None)
        await write_sessions(made.database, [charge_session(BEGAN_S, 7_200, site=site, energy_wh=Decimal("3000.76"))])
        (row,) = await reconciled(settings, box_of, Month(2026, 9), Month(2026, 9))
        assert (row.box_wh, row.gateway_wh, row.differences) == (Decimal("3000.75"), Decimal("3000.76"), ())


async def test_messages_of_the_box_are_cleared_and_silence_has_an_end(mosquitto: MosquittoPart) -> None:
    """A box that complains, or answers something else, or to another question."""
    complaint = f"openWB/command/{CLIENT}/messages/1795330000000"
    broker = Broker(mosquitto.url, client_id=CLIENT, connect_deadline_s=2)
    await publish(mosquitto.url, (complaint, '{"type": "danger"}'), retain=True)
    over = OverMqtt(broker, CLIENT, BERLIN, prefix="openWB/", answer_s=0.5)
    with pytest.raises(BrokerUnavailable, match=r"did not answer .*/todo/getChargeLog within 0\.5 s"):
        await over.month(Month(2026, 11), named=True)
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.subscribe(f"openWB/command/{CLIENT}/messages/+")
        await client.publish(f"openWB/command/{CLIENT}/messages/end", b"end", qos=1)
        assert (await anext(aiter(client.messages))).payload == b"end"  # the retained one is gone


async def test_an_answer_to_an_earlier_question_is_waited_past(mosquitto: MosquittoPart) -> None:
    recorded = (DATA / "v2-chargelog.json").read_bytes()
    log = read_log(recorded, BERLIN)
    last = f'{{"entries": {recorded.decode().strip()}}}'.encode()
    old = b'{"entries": [{"time": {"begin": "08/02/2026, 08:24:55", "end": "08/02/2026, 09:22:45"}}]}'
    broker = Broker(mosquitto.url, client_id=CLIENT, connect_deadline_s=2)
    over = OverMqtt(broker, CLIENT, BERLIN, prefix="openWB/", answer_s=10)
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.subscribe(f"openWB/set/command/{CLIENT}/todo")
        asked = asyncio.create_task(over.month(Month(2026, 11), named=False))
        await anext(aiter(client.messages))
        for payload in (old, last):
            await client.publish(f"openWB/log/{CLIENT}/data", payload, qos=1)
        assert await asked == log
        asked = asyncio.create_task(over.month(Month(2026, 11), named=False))
        await anext(aiter(client.messages))
        await client.publish(f"openWB/log/{CLIENT}/data", b"Traceback", qos=1)
        with pytest.raises(Unreadable):
            await asked


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        code = {"202405.csv": 200, "202406.csv": 500}.get(name, 404)
        self.send_response(code)
        self.end_headers()
        if code == 200:
            self.wfile.write((DATA / "v19-ladelog.csv").read_bytes())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def pages() -> Iterator[str]:
    """The pages of a 1.9, as far as they are its log."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_a_1_9_is_read_over_http(pages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    over = OverHttp(pages, BERLIN, answer_s=5)
    assert len((await over.month(Month(2024, 5))).entries) == 34
    assert (await over.month(Month(2024, 7))).entries == ()
    with pytest.raises(BrokerUnavailable, match=r"202406.csv answers 500"):
        await over.month(Month(2024, 6))
    with pytest.raises(BrokerUnavailable, match="cannot be read"):
        await OverHttp("http://127.0.0.1:1", BERLIN).month(Month(2024, 5))
    with pytest.raises(BrokerUnavailable, match="cannot be read"):
        await OverHttp("box", BERLIN).month(Month(2024, 5))
    monkeypatch.setattr("gateway.bridge.charge_log_19.MOST_BYTES", 100)
    with pytest.raises(Unreadable, match="more than 100 bytes"):
        await over.month(Month(2024, 5))
