"""A Ray Data source that reads rows one by one, as they are needed, on the driver's machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class _RowSource(Datasource):
    def __init__(self, rows: Callable[[], Iterable[dict[str, Any]]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray's own
        self._rows = rows

    @property
    def supports_distributed_reads(self) -> bool:
        return False

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(
        self,
        parallelism: int,  # noqa: ARG002 — a stream is read in order, by one task
        per_task_row_limit: int | None = None,  # noqa: ARG002 — as above
        data_context: object = None,  # noqa: ARG002 — as above
    ) -> list[ReadTask]:
        rows = self._rows

        def read() -> Iterator[pa.Table]:
            for row in rows():
                yield pa.Table.from_pylist([row])

        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(read, unknown)]


def shard_source(rows: Callable[[], Iterable[dict[str, Any]]]) -> Datasource:
    """Return a source that gives each row as a block of its own.

    Args:
        rows: gives the rows, the same each time that it is called: Ray calls it again if their reader is lost.
    """
    return _RowSource(rows)
