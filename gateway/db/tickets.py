"""Queries about one-time tickets: connection in, domain records out."""

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.models import TicketRow
from gateway.domain.access import Ticket


async def add_ticket(connection: AsyncConnection, digest: str, ticket: Ticket) -> None:
    await connection.execute(
        insert(TicketRow).values(
            digest=digest,
            token_id=ticket.token_id,
            origin=ticket.origin,
            device=ticket.device,
            expires_at=ticket.expires_at,
        )
    )


async def take_ticket(connection: AsyncConnection, digest: str) -> Ticket | None:
    """The ticket, which is then gone: of two who ask at once only one gets it."""
    query = select(TicketRow.token_id, TicketRow.origin, TicketRow.device, TicketRow.expires_at)
    row = (await connection.execute(query.where(TicketRow.digest == digest))).one_or_none()
    if row is None:
        return None
    done = await connection.execute(delete(TicketRow).where(TicketRow.digest == digest))
    if done.rowcount != 1:
        return None
    token_id, origin, device, expires_at = row
    return Ticket(token_id=token_id, origin=origin, device=device, expires_at=expires_at)


async def count_tickets(connection: AsyncConnection, token_id: int, now: float) -> int:
    """How many a login has that are still good; those that are not are deleted."""
    of_login = TicketRow.token_id == token_id
    await connection.execute(delete(TicketRow).where(of_login, TicketRow.expires_at <= now))
    return await connection.scalar(select(func.count()).select_from(TicketRow).where(of_login)) or 0
