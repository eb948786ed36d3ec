"""Every error the gateway raises on purpose.

::

    GatewayError
    ├── RequestError            the caller can mend it
    │   ├── InvalidArgument     invalid_argument
    │   ├── UnknownField        unknown_field
    │   ├── UnknownMessage      unknown_message
    │   ├── MessageTooLarge     message_too_large
    │   ├── NotFound            not_found
    │   ├── Conflict            conflict
    │   ├── Unauthenticated     unauthenticated
    │   ├── BadCredentials      bad_credentials
    │   ├── Forbidden           forbidden
    │   ├── Misdirected         misdirected
    │   └── LimitExceeded       temporary
    │       ├── RateLimited             rate_limited
    │       ├── TooManySubscriptions    too_many_subscriptions
    │       └── TooManyViews            too_many_views
    ├── Unavailable             temporary: a part of ours is out of reach
    │   ├── Draining            draining: this process is about to end
    │   ├── StoreUnavailable    store_unavailable
    │   ├── DatabaseUnavailable database_unavailable
    │   ├── BrokerUnavailable   broker_unavailable
    │   └── SiteUnavailable     site_unavailable: nothing is known of the site yet
    ├── WriteRefused            the store's answer to a writer
    │   ├── NotLeader           not_leader
    │   ├── EpochMissing        epoch_missing
    │   └── DataLost            data_lost
    ├── Unreadable              unreadable: a payload of the box that its topic does not allow
    └── SettingsError           invalid_settings

``code`` is frozen: apps depend on it. ``temporary`` says that the same request may succeed later.
"""

from typing import ClassVar, Literal, TypeAlias

BrokerReason: TypeAlias = Literal["bad_credentials", "certificate", "unreachable"]
UnreadableReason: TypeAlias = Literal["encoding", "kind", "range", "word"]
LimitScope: TypeAlias = Literal[
    "address",
    "user",
    "messages",
    "subscribes",
    "queued_requests",
    "refusals",
    "subscriptions",
    "views",
    "logins",
    "passwords",
    "tickets",
    "other",
]


class GatewayError(Exception):
    """The root. ``message`` is one sentence for a person: what was wrong and what is allowed."""

    code: ClassVar[str] = "internal"
    temporary: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class RequestError(GatewayError):
    code = "bad_request"


class InvalidArgument(RequestError):
    """Something in the request is wrong; ``message`` says what, and what is allowed."""

    code = "invalid_argument"


class UnknownField(RequestError):
    """The request has a field that is not known; ``message`` names it."""

    code = "unknown_field"


class UnknownMessage(RequestError):
    """There is no message of that type; ``message`` names those that there are."""

    code = "unknown_message"


class MessageTooLarge(RequestError):
    """The message has more bytes than ``limits`` allows."""

    code = "message_too_large"


class NotFound(RequestError):
    """There is no such site, subscription or address, or not for you."""

    code = "not_found"


class Conflict(RequestError):
    """It does not fit what is already there, such as a second ``auth``."""

    code = "conflict"


class Unauthenticated(RequestError):
    """No valid token; for a request on the websocket: nobody is authenticated on this connection."""

    code = "unauthenticated"


class BadCredentials(RequestError):
    """The name or the password is wrong."""

    code = "bad_credentials"


class Forbidden(RequestError):
    """Whoever asks is known, but may not do that."""

    code = "forbidden"


class Misdirected(RequestError):
    """The caller reached us by a name that is not ours."""

    code = "misdirected"


class LimitExceeded(RequestError):
    """``scope`` is for counting: which limit it was."""

    code = "limit_exceeded"
    temporary = True
    usual_scope: ClassVar[LimitScope] = "other"

    def __init__(self, message: str, *, scope: LimitScope | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.scope = scope or self.usual_scope


class RateLimited(LimitExceeded):
    """Too much at once; wait ``retry_after_s``."""

    code = "rate_limited"


class TooManySubscriptions(LimitExceeded):
    """The connection has as many subscriptions as ``limits`` allows."""

    code = "too_many_subscriptions"
    usual_scope = "subscriptions"


class TooManyViews(LimitExceeded):
    """The site has as many different selections of keys and intervals as ``limits`` allows."""

    code = "too_many_views"
    usual_scope = "views"


class Unavailable(GatewayError):
    code = "unavailable"
    temporary = True


class Draining(Unavailable):
    """The process is about to end and takes no new connections; another one is there, or soon will be."""

    code = "draining"


class StoreUnavailable(Unavailable):
    """The store does not answer for now. With ``id`` null: what you hold may be old."""

    code = "store_unavailable"


class DatabaseUnavailable(Unavailable):
    """The database does not answer for now."""

    code = "database_unavailable"


class BrokerUnavailable(Unavailable):
    """The box's broker is out of reach; ``reason`` is what ``link/reason`` shows."""

    code = "broker_unavailable"

    def __init__(self, message: str, *, reason: BrokerReason = "unreachable") -> None:
        super().__init__(message)
        self.reason = reason


class SiteUnavailable(Unavailable):
    """Nothing is known of the site yet."""

    code = "site_unavailable"


class WriteRefused(GatewayError):
    code = "write_refused"


class NotLeader(WriteRefused):
    """Another writer holds a higher fence, or this one's epoch is not the current one."""

    code = "not_leader"


class EpochMissing(WriteRefused):
    """The store knows no epoch of this site: it is new, or everything was lost."""

    code = "epoch_missing"


class DataLost(WriteRefused):
    """The store's seq is not the one it last told: some writes were lost."""

    code = "data_lost"


class Unreadable(GatewayError):
    """The message says what was wrong, never the payload itself: that may be a secret.

    ``reason`` is for counting: what could not be decoded at all (``encoding``), is of another kind than the topic
    holds, is a number out of its range, or none of the allowed words.
    """

    code = "unreadable"

    def __init__(self, message: str, *, reason: UnreadableReason = "kind") -> None:
        super().__init__(message)
        self.reason = reason


class SettingsError(GatewayError):
    """Each line of ``message`` names one setting and what is allowed."""

    code = "invalid_settings"
