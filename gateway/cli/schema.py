"""``openwb-gateway schema``: prints what describes the interfaces; nothing is started or asked for that."""

import asyncio

import click

from gateway.protocol.asyncapi import written
from gateway.run.schema import openapi_json
from gateway.version import VERSION


@click.group()
def schema() -> None:
    """Print a machine-readable description of an interface."""


@schema.command()
def asyncapi() -> None:
    """Print the websocket's: AsyncAPI 3, as YAML."""
    click.echo(written(VERSION), nl=False)


@schema.command()
def openapi() -> None:
    """Print that of REST: OpenAPI 3.1, as JSON."""
    click.echo(asyncio.run(openapi_json()))
