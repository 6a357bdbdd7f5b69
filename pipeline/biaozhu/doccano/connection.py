"""A logged-in connection to a Doccano: doccano-client, with time limits, retries and our errors around it.

The address comes from the environment (DOCCANO_URL with DOCCANO_TOKEN, or with DOCCANO_USERNAME and DOCCANO_PASSWORD),
else from the state file of the local server. TLS certificates are always verified; DOCCANO_CA_BUNDLE names the bundle of
another authority. DOCCANO_TIMEOUT is the longest silence in seconds (60).

Other modules use the public methods of `Connection.client`, through `Connection.call`, where one suffices; for the rest
`Connection` has methods over the client's own session.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from doccano_client import DoccanoClient
from doccano_client.exceptions import DoccanoAPIError
from doccano_client.repositories.base import BaseRepository, verbose_raise_for_status
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from tenacity import retry, retry_if_exception_type, wait_exponential
from urllib3.exceptions import NewConnectionError, ProtocolError
from urllib3.exceptions import TimeoutError as SilenceError
from urllib3.util.retry import Retry

from biaozhu.data.errors import AuthError, RemoteError, ServerError
from biaozhu.doccano.local.state import read_state

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 60.0  # until the next bytes of an answer, unless DOCCANO_TIMEOUT says otherwise
HEALTH_SECONDS = 20.0  # How long to wait for the health report, which itself waits for the worker
MAX_RETRIES = 4
MAX_TRIES_OF_GET = 3  # How often a GET is sent when its answer breaks off in the middle
REPEATABLE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
BUSY_CODES = (429, 500, 502, 503, 504)
HUNG_ADVICE = (
    "See `biaozhu doccano status`; `down` and `up` start it anew, DOCCANO_TIMEOUT waits longer. Then run the same "
    "command again, it finishes what is left"
)
FAILED_ADVICE = "See the server's log, then run the same command again, it finishes what is left"
BROKEN_ADVICE = "Run the same command again, it finishes what is left"


@dataclass(frozen=True, slots=True)
class Account:
    """Address of a Doccano and a login, by token or password, without secrets in its repr; `home` is a local server's folder."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca_bundle: str = field(default="", repr=False)
    silence_seconds: float = field(default=SILENCE_SECONDS, repr=False)
    home: Path | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """A logged-in client with its own HTTP layer and session; `user_id` and `username` are of the account that pushes."""

    client: DoccanoClient
    http: BaseRepository
    session: requests.Session
    url: str
    user_id: int
    username: str
    home: Path | None = None

    def call(self, method: Callable[..., Any], *values: Any, may_be_missing: bool = False, **options: Any) -> Any:
        """Return what a method of the client returns; None where `may_be_missing` and the server says 404."""
        with translate_errors(self.url):
            try:
                return method(*values, **options)
            except DoccanoAPIError as error:
                if may_be_missing and error.response.status_code == requests.codes.not_found:
                    return None
                raise

    def get(self, path: str, **options: Any) -> Any:
        """Return the JSON at `/v1/<path>`."""
        with translate_errors(self.url):
            return self.http.get(path, **options).json()

    def post(self, path: str, data: Any) -> Any:
        """Post JSON to `/v1/<path>` and return the JSON of the answer."""
        with translate_errors(self.url):
            return self.http.post(path, json=data).json()

    def patch(self, path: str, data: Any) -> None:
        """Change only the given fields of `/v1/<path>`."""
        with translate_errors(self.url):
            verbose_raise_for_status(self.session.patch(f"{self.http.api_url}/{path}", json=data))

    def delete(self, path: str) -> None:
        """Delete `/v1/<path>`; that it is already gone is not an error."""
        self.call(self.http.delete, path, may_be_missing=True)


def find_account(*, home: Path) -> Account:
    """Return the account of the environment, or of the local server of this home folder."""
    url = os.environ.get("DOCCANO_URL", "").rstrip("/")
    silence = _read_silence_seconds()
    if not url:
        state = read_state(home)
        if state is None:
            advice = (
                "If yours has another folder, name it with --home; else run `biaozhu doccano up`, or set DOCCANO_URL"
            )
            what = "no Doccano was started with this folder, and DOCCANO_URL names no other"
            raise ServerError(what, where=home.resolve(), next_step=advice)
        return Account(state.url, state.username, state.password, silence_seconds=silence, home=home)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        advice = "Write it as https://doccano.example.org, with no name or password in it"
        raise ServerError("DOCCANO_URL is not a plain http or https address", next_step=advice)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        what = "http would send the password unencrypted"
        raise AuthError(what, where=url, next_step="Use https in DOCCANO_URL")
    login = ("USERNAME", "PASSWORD", "TOKEN", "CA_BUNDLE")
    name, password, token, bundle = (os.environ.get(f"DOCCANO_{one}", "") for one in login)
    if not token and not (name and password):
        advice = "Set DOCCANO_TOKEN, or DOCCANO_USERNAME and DOCCANO_PASSWORD"
        raise AuthError("no account for this server", where=url, next_step=advice)
    return Account(url, name, password, token, bundle, silence)


def connect(account: Account, *, retries: int = MAX_RETRIES) -> Connection:
    """Log in; a request that the server is too busy for is repeated so often."""
    client = DoccanoClient(account.url, verify=account.ca_bundle or True)
    # The only two private names of the client that are used: it has no public way to time limits, retries and paging.
    http = client._base_repository  # noqa: SLF001 — see above
    session = http._session  # noqa: SLF001 — see above
    for scheme in ("http://", "https://"):
        session.mount(scheme, _PatientAdapter(account.silence_seconds, retries))
    # The health report's answer is 500 when a part is down: no reason to ask again.
    session.mount(f"{account.url}/v1/health/", _PatientAdapter(max(account.silence_seconds, HEALTH_SECONDS), 0))
    if urlsplit(account.url).hostname in LOOPBACK:
        session.trust_env = False  # there is no proxy before loopback
    session.headers["Referer"] = f"{account.url}/"  # Django asks for it on https
    with translate_errors(account.url):
        if account.token:
            # As an auth object, since a .netrc entry for the host would overwrite a header.
            session.auth = partial(_add_token, account.token)
        else:
            try:
                client.login(account.username, account.password)
            except DoccanoAPIError as error:
                if error.response.status_code == requests.codes.bad_request:
                    raise AuthError(f"the password of {account.username!r} is refused", where=account.url) from None
                raise
        profile = client.get_profile()
    return Connection(client, http, session, account.url, profile.id, profile.username, account.home)


@contextmanager
def translate_errors(url: str) -> Iterator[None]:
    """Raise ServerError, AuthError or RemoteError for what requests and doccano-client raise."""
    try:
        yield
    except DoccanoAPIError as error:
        raise _make_refusal(error.response, url) from None
    except requests.exceptions.SSLError as error:
        what = f"its certificate is not trusted ({_shorten_reason(error)})"
        raise ServerError(what, where=url, next_step="Name your authority's bundle in DOCCANO_CA_BUNDLE") from None
    except requests.exceptions.ContentDecodingError:
        raise RemoteError("it compresses its answer, though asked not to", where=url) from None
    except (requests.exceptions.JSONDecodeError, ValidationError):
        raise RemoteError("the server is not a Doccano, its answer has another form", where=url) from None
    except requests.exceptions.RequestException as error:
        cause = error.args[0] if error.args else error
        reason = getattr(cause, "reason", cause)
        is_silent = isinstance(reason, SilenceError) and not isinstance(reason, NewConnectionError)
        if is_silent or isinstance(error, requests.exceptions.Timeout):
            raise ServerError("it does not answer in time", where=url, next_step=HUNG_ADVICE) from None
        if isinstance(reason, ProtocolError):
            raise ServerError("the connection broke off", where=url, next_step=BROKEN_ADVICE) from None
        said = _shorten_reason(reason).rsplit(": ", 1)[-1]
        raise ServerError(f"it cannot be reached ({said})", where=url) from None
    except ValueError as error:
        raise RemoteError(f"doccano-client refuses the request: {_shorten_reason(error)}", where=url) from None


def _make_refusal(response: requests.Response, url: str) -> AuthError | RemoteError:
    code = response.status_code
    if code in (requests.codes.unauthorized, requests.codes.forbidden):
        return AuthError(f"Doccano says {code}: this account may not do that", where=url)
    advice = FAILED_ADVICE if code >= requests.codes.server_error else ""
    what = f"Doccano says {code}: {_shorten_reason(response.text)}"
    return RemoteError(what, where=response.url.split("?")[0], next_step=advice)


class _PatientAdapter(HTTPAdapter):
    """An adapter with a time limit for every request, which repeats what may be repeated, with growing pauses.

    A POST is repeated only if it was never sent, a GET also where its answer breaks off.
    """

    def __init__(self, silence_seconds: float, retries: int) -> None:
        self.timeout = CONNECT_SECONDS, silence_seconds
        super().__init__(
            max_retries=Retry(
                total=retries,
                read=min(retries, 1),  # a server that is silent for a minute is not asked five times
                backoff_factor=0.3,
                status_forcelist=BUSY_CODES,
                allowed_methods=REPEATABLE_METHODS,
                raise_on_status=False,
            )
        )

    @retry(
        stop=lambda state: state.attempt_number >= (MAX_TRIES_OF_GET if state.args[1].method == "GET" else 1),
        wait=wait_exponential(0.2),
        retry=retry_if_exception_type(requests.exceptions.ChunkedEncodingError),
        reraise=True,
    )
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if options.get("timeout") is None:
            options["timeout"] = self.timeout
        # urllib3 1.26 decompresses without bounds (see SECURITY.md), so nothing is: the body is not read yet.
        request.headers["Accept-Encoding"] = "identity"
        response = super().send(request, **options)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise requests.exceptions.ContentDecodingError("compressed", request=request)
        # urllib3 1.26 would take half an answer for the whole.
        response.raw.enforce_content_length = True
        _ = response.content  # reads it whole, and keeps it
        return response


def _add_token(token: str, request: requests.PreparedRequest) -> requests.PreparedRequest:
    request.headers["Authorization"] = f"Token {token}"
    return request


def _read_silence_seconds() -> float:
    given = os.environ.get("DOCCANO_TIMEOUT", "")
    try:
        seconds = float(given or SILENCE_SECONDS)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        what = f"DOCCANO_TIMEOUT is not a number of seconds: {given[:40]!r}"
        raise ServerError(what, next_step="Set it to 60, or unset it")
    return seconds


def _shorten_reason(value: object) -> str:
    return " ".join(str(value).split())[:200]
