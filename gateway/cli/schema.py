"""``openwb-gateway schema``: prints what describes the interfaces; nothing is started or asked for that."""

import asyncio

import click

from gateway.version import VERSION


@click.group()
def schema() -> None:
    """Print a machine-readable description of an interface."""


@schema.command()
def asyncapi() -> None:
    """Print the websocket's: AsyncAPI 3, as YAML."""
    from gateway.protocol.asyncapi import written  # noqa: PLC0415 - the other half need not be paid for

    click.echo(written(VERSION), nl=False)


@schema.command()
def openapi() -> None:
    """Print that of REST: OpenAPI 3.1, as JSON."""
    from gateway.run.schema import openapi_json  # noqa: PLC0415 - as above

    click.echo(asyncio.run(openapi_json()))
