"""Connections with a deadline for what their client has to do, and room for new ones whatever the old ones do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

CONNECTIONS = 256
"""Open connections; for one more the one that has waited longest for a request is closed."""


class Connection(H11Protocol):
    """A connection whose request must have its headers, and whose answer must be read, within their time.

    Args:
        header_seconds: from the first byte of a request, or from the connection's begin, to the end of its headers.
        request_seconds: from there to the end of the answer.
    """

    def __init__(self, *args: Any, header_seconds: float, request_seconds: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self.header_seconds, self.request_seconds = header_seconds, request_seconds
        self.since = 0.0
        self.deadline: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """True where no received request is still to be answered."""
        return self.cycle is None or (self.cycle.response_complete and self.conn.their_state is h11.IDLE)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Make room, and give the client its time for the headers."""
        super().connection_made(transport)
        self.since = self.loop.time()
        if len(self.connections) >= CONNECTIONS:
            others = [one for one in self.connections if isinstance(one, Connection) and one is not self]
            longest = min((one for one in others if one.is_waiting), key=lambda one: one.since, default=None)
            if longest is not None:
                self.connections.discard(longest)
                longest.transport.abort()
        self._set_deadline(self.header_seconds)

    def data_received(self, data: bytes) -> None:
        """Take what arrives; a deadline runs from the first byte of a request, and another from its last header."""
        was_waiting = self.is_waiting
        super().data_received(data)
        if was_waiting and not self.is_waiting:
            self._set_deadline(self.request_seconds)
        elif self.is_waiting and self.deadline is None:
            self._set_deadline(self.header_seconds)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.since = self.loop.time()
        self._set_deadline(None)
        super().on_response_complete()
        if self.is_waiting and self.conn.trailing_data[0]:
            self._set_deadline(self.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._set_deadline(None)
        super().connection_lost(exc)

    def _set_deadline(self, seconds: float | None) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        self.deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)
