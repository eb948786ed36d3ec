"""What the reference client asks over HTTP: a token for name and password, and which sites there are.

Rules:

* Only an answer in the gateway's own form says that name or password is wrong. What a hotel's login page answers,
  a page of its own or a redirect, says nothing: the gateway is out of reach for now.
* No redirect is followed, and no proxy asked: the password goes to the address that was given and nowhere else.
* A token that was accepted is kept until it is refused: coming back costs no new login.
"""

import asyncio
import contextlib
import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO, TypeVar

import msgspec

from gateway.domain.errors import BadCredentials, RateLimited

REFUSALS = (400, 401, 403)
TOO_MANY = 429
MOST_BYTES = 1_048_576
JSON = "application/json"

T = TypeVar("T")


class _Answer(msgspec.Struct):
    """What is needed of the gateway's answer to a login."""

    token: str


class SiteName(msgspec.Struct, frozen=True):
    """A site that the login may see."""

    id: str
    name: str = ""


class _Problem(msgspec.Struct):
    """What is needed of the gateway's refusal."""

    code: str
    detail: str = ""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - the face of urllib
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: http.client.HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


class PasswordLogin:
    """Asked for a token it logs in, once. ``base_url`` is ``http(s)://host:port`` of the gateway.

    Asking raises BadCredentials when name or password is wrong, and OSError when trying again may help.
    """

    def __init__(self, base_url: str, name: str, password: str, timeout_s: float = 10) -> None:
        self._url = f"{base_url.rstrip('/')}/api/v1/auth/login"
        self._body = json.dumps({"name": name, "password": password}).encode()
        self._timeout_s = timeout_s
        self._kept: str | None = None
        self._worked = False

    async def __call__(self) -> str:
        if self._kept is None:
            self._kept = await _in_a_thread_that_may_be_left(self._log_in)
        return self._kept

    def accepted(self) -> None:
        """A connection was authenticated with the token."""
        self._worked = True

    def refused(self) -> bool:
        """The token counts no longer; whether another is worth asking for, because this one had worked."""
        worked = self._worked
        self._kept, self._worked = None, False
        return worked

    def _log_in(self) -> str:
        request = _request(self._url, self._body, {"Content-Type": JSON})
        return _asked(request, _Answer, self._timeout_s).token


async def sites(base_url: str, token: str, timeout_s: float = 10) -> tuple[SiteName, ...]:
    """The sites that the token's login may see; raises as ``PasswordLogin`` does."""
    request = _request(f"{base_url.rstrip('/')}/api/v1/sites", None, {"Authorization": f"Bearer {token}"})
    return await _in_a_thread_that_may_be_left(lambda: _asked(request, tuple[SiteName, ...], timeout_s))


def why(error: Exception) -> str:
    """What went wrong, for people; empty when the time was up."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return getattr(cause, "strerror", None) or str(cause)


def _request(url: str, body: bytes | None, headers: dict[str, str]) -> urllib.request.Request:
    return urllib.request.Request(url, body, {"Accept": JSON, **headers})  # noqa: S310 - the caller's own gateway


def _asked(request: urllib.request.Request, answer_type: type[T], timeout_s: float) -> T:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return msgspec.json.decode(answer.read(MOST_BYTES), type=answer_type)
    except msgspec.DecodeError as error:
        raise ConnectionError("what answers at that address is no gateway") from error
    except http.client.HTTPException as error:
        raise ConnectionError(f"the answer broke off: {error!r}") from error
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error) from error


def _refusal(error: urllib.error.HTTPError) -> Exception:
    try:
        problem = msgspec.json.decode(error.read(MOST_BYTES), type=_Problem)
    except (msgspec.DecodeError, OSError, http.client.HTTPException):
        return ConnectionError(f"HTTP {error.code}, but not by a gateway")
    if error.code in REFUSALS:
        return BadCredentials(problem.detail or f"the gateway refused with HTTP {error.code}")
    if error.code == TOO_MANY:
        wait = error.headers.get("Retry-After", "")
        return RateLimited(problem.detail or "too many tries", retry_after_s=int(wait) if wait.isdecimal() else None)
    return ConnectionError(f"the gateway could not answer: {problem.detail or problem.code}")


async def _in_a_thread_that_may_be_left(ask: Callable[[], T]) -> T:
    """Its result. A daemon: whoever wants to end need not wait for an address that does not answer."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[T] = loop.create_future()

    def tell(result: T | Exception) -> None:
        if answered.done():
            return
        if isinstance(result, Exception):
            answered.set_exception(result)
        else:
            answered.set_result(result)

    def run() -> None:
        result: T | Exception
        try:
            result = ask()
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            result = error
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody asks any more
            loop.call_soon_threadsafe(tell, result)

    threading.Thread(target=run, name="asks the gateway", daemon=True).start()
    return await answered


def password_login(base_url: str, name: str, password: str, timeout_s: float = 10) -> PasswordLogin:
    """What GatewayClient takes as ``token``."""
    return PasswordLogin(base_url, name, password, timeout_s)
