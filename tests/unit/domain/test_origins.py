import pytest

from gateway.domain.errors import Forbidden, InvalidArgument, Misdirected
from gateway.domain.origins import Origins, is_this_machine

PUBLIC = Origins(["https://gw.example", "http://10.0.0.5:8080", "https://[2001:db8::1]:8443"])
HOME = Origins(listening="raspberry.local")


@pytest.mark.parametrize(
    "host", ["gw.example", "GW.Example", "gw.example:443", "10.0.0.5:8080", "[2001:db8::1]:8443"]
)
def test_each_public_url_is_a_name(host: str) -> None:
    PUBLIC.check_host([host])


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "gw.example.evil.example",
        "evilgw.example",
        "sub.gw.example",
        "gw.example.",
        "gw.example:80",
        "gw.example:8443",
        "10.0.0.5",
        "127.0.0.1:8080",
        "localhost",
        "[2001:db8::1]",
        "x" * 200,
    ],
)
def test_with_public_urls_nothing_else_is_one(host: str) -> None:
    with pytest.raises(Misdirected) as refused:
        PUBLIC.check_host([host])
    assert "GATEWAY_PUBLIC_URL" in refused.value.message
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:9", "127.0.0.1:8080", "192.168.1.5", "[::1]:8080", "[fd00::1]", "raspberry.local:80"],
)
def test_at_home_it_is_an_address_or_the_name_listened_on(host: str) -> None:
    HOME.check_host([host])


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "other.local", "1.2.3", "[::::]"])
def test_at_home_a_foreign_name_is_none(host: str) -> None:
    with pytest.raises(Misdirected, match="IP address"):
        HOME.check_host([host])


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["a", "a"],
        ["gw.example", "evil.example"],
        ["user@gw.example"],
        ["gw.example/x"],
        ["gw.example:x"],
        ["gw.example:123456"],
        ["gw.example gw.example"],
        ["[::1"],
        ["::1"],
        ["gw.example, evil.example"],
    ],
)
def test_what_is_no_host_is_refused(hosts: list[str]) -> None:
    for origins in (PUBLIC, HOME):
        with pytest.raises(InvalidArgument):
            origins.check_host(hosts)


@pytest.mark.parametrize(
    "origin",
    ["https://gw.example", "https://GW.example:443", "http://10.0.0.5:8080", "https://[2001:db8::1]:8443"],
)
def test_a_public_url_is_an_origin_whatever_the_host(origin: str) -> None:
    PUBLIC.check_origin([origin], ["gw.example"])


FOREIGN = [
    "null",
    "",
    "https://evil.example",
    "https://gw.example.evil.example",
    "https://evilgw.example",
    "https://sub.gw.example",
    "http://gw.example",
    "https://gw.example:8443",
    "https://gw.example/",
    "https://user@gw.example",
    "ftp://gw.example",
    "gw.example",
    "https://",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_any_other_origin_is_foreign(origin: str) -> None:
    with pytest.raises(Forbidden):
        PUBLIC.check_origin([origin], ["gw.example"])
    with pytest.raises(Forbidden):
        HOME.check_origin([origin], ["192.168.1.5:8080"])


def test_two_origins_are_none() -> None:
    with pytest.raises(Forbidden):
        PUBLIC.check_origin(["https://gw.example", "https://gw.example"], ["gw.example"])


def test_a_program_sends_none() -> None:
    for origins in (PUBLIC, HOME):
        origins.check_origin([], ["gw.example"])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://192.168.1.5:8080", "192.168.1.5:8080"),
        ("http://localhost", "localhost"),
        ("http://localhost", "LOCALHOST:80"),
        ("https://192.168.1.5", "192.168.1.5"),
        ("https://192.168.1.5", "192.168.1.5:443"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_at_home_a_page_of_the_same_host_and_port_is_ours(origin: str, host: str) -> None:
    HOME.check_origin([origin], [host])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://192.168.1.5:3000", "192.168.1.5:8080"),
        ("http://localhost:8080", "127.0.0.1:8080"),
        ("http://192.168.1.5", "192.168.1.5:443"),
        ("http://192.168.1.6:8080", "192.168.1.5:8080"),
    ],
)
def test_at_home_another_port_or_name_is_foreign(origin: str, host: str) -> None:
    with pytest.raises(Forbidden):
        HOME.check_origin([origin], [host])


@pytest.mark.parametrize("url", ["gw.example", "ftp://gw.example", "https://gw.example/page", "https://"])
def test_a_public_url_has_scheme_and_host_only(url: str) -> None:
    with pytest.raises(InvalidArgument):
        Origins([url])


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080"])
def test_what_leads_to_none_but_this_machine(host: str) -> None:
    assert is_this_machine([host])


@pytest.mark.parametrize("hosts", [["gw.example"], ["192.168.1.5:8080"], ["localhost.evil.example"], ["a b"], []])
def test_what_may_lead_elsewhere(hosts: list[str]) -> None:
    assert not is_this_machine(hosts)
    assert not is_this_machine(["localhost", *hosts, "localhost"])
