"""What ``openwb-gateway schema`` prints."""

import json

from click.testing import CliRunner

from gateway.cli.main import cli
from gateway.protocol.asyncapi import written
from gateway.version import VERSION


def printed(what: str) -> bytes:
    ran = CliRunner().invoke(cli, ["schema", what])
    assert ran.exit_code == 0, ran.output
    return ran.stdout_bytes


def test_asyncapi_is_the_document_byte_for_byte() -> None:
    assert printed("asyncapi") == written(VERSION)


def test_openapi_is_whole() -> None:
    document = json.loads(printed("openapi"))
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == VERSION
    assert {"/api/v1/auth/login", "/api/v1/sites/{site}/values", "/health/ready"} <= document["paths"].keys()


def test_another_interface_is_refused_with_those_that_there_are() -> None:
    ran = CliRunner().invoke(cli, ["schema", "soap"])
    assert ran.exit_code == 2
    assert "No such command 'soap'" in ran.output
