"""How many bytes of what was read have crossed a link that compresses, told from samples of it.

No driver says what came in: rows arrive as they were. So a part of a batch is compressed here as
its source has done, now and then, which takes milliseconds. Knows no link and no source.
"""

from __future__ import annotations

import pyarrow as pa

from connectors.contract import Compression

SAMPLE_BYTES = 1_048_576
"""What is compressed at most: as large as the batches of which a source sends several."""

AGAIN_BYTES = 67_108_864
"""After so much another sample is taken: rows may have become others."""


class Crossing:
    """The batches of one fragment, in their order."""

    def __init__(self, compression: Compression) -> None:
        self.compression = compression
        self._options = pa.ipc.IpcWriteOptions(compression=compression, use_threads=False)
        self._left_bytes = 0
        self._part = 1.0

    def crossed_bytes(self, batch: pa.RecordBatch, size_bytes: int) -> int:
        """Of one batch, about.

        Args:
            size_bytes: of its rows, as `execution.sizing` counts.

        >>> crossing = Crossing("zstd")
        >>> crossing.crossed_bytes(pa.record_batch({"n": [7] * 100_000}), 800_000) < 10_000
        True
        """
        if not size_bytes:
            return 0
        if self._left_bytes <= 0:
            self._part = self._sampled(batch, size_bytes)
            self._left_bytes = AGAIN_BYTES
        self._left_bytes -= size_bytes
        return round(size_bytes * self._part)

    def _sampled(self, batch: pa.RecordBatch, size_bytes: int) -> float:
        rows = max(1, int(batch.num_rows * min(1.0, SAMPLE_BYTES / size_bytes)))
        sink = pa.MockOutputStream()
        with pa.ipc.new_stream(sink, batch.schema, options=self._options) as writer:
            begun_bytes = sink.size()
            writer.write_batch(batch.slice(0, rows))
            written_bytes = sink.size() - begun_bytes
        return float(written_bytes / (size_bytes * rows / batch.num_rows))
