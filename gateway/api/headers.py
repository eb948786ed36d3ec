"""What every HTTP answer carries, whoever made it, and HEAD for whatever can be got."""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

DEFAULTS = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Cache-Control", "no-store"),
)


def with_safe_headers(app: ASGIApp) -> ASGIApp:
    """The app with headers added where an answer has not its own. Websockets pass untouched, at no cost."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        if head:
            # in a copy: the server goes by its own scope to know that no body follows the headers
            scope = {**scope, "method": HttpMethod.GET}

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, content in DEFAULTS:
                    headers.setdefault(name, content)
            elif head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        await app(scope, receive, send_safely)

    return wrapped
