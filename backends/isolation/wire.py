"""Messages between two processes: small ones on a socket, large arrays in a shared memory file.

Every large message has a file of its own, without a name, whose descriptor goes along on the socket:
it is gone when the last process has closed it, however that process ends.
"""

from __future__ import annotations

import mmap
import os
import pickle
import select
import socket
import struct
import tempfile
import threading
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import numpy as np

from allocc.backends.solution import Solution
from allocc.compiler.arrays import FloatArray, IntArray
from allocc.compiler.programs.program import Program, ProgramBlock

SMALL_BYTES = 4096
"""An array up to this size is copied with the rest of its message."""

INLINE_BYTES = 256 * 1024
"""Arrays up to this size together go on the socket: a file of their own would take longer."""

_HEAD = struct.Struct("<QQQ")  # length of the pickle, number of its buffers, size of the file or 0
_ALIGNMENT = 64
_AT_ONCE = 65536
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Channel:
    """One end of the socket. One thread reads; several may send."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lock = threading.Lock()
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._room = socket.CMSG_SPACE(4 * array("i").itemsize)
        self._read = b""
        self._files: list[int] = []

    def fileno(self) -> int:
        """The socket's descriptor, for whoever waits for several channels at once."""
        return self._socket.fileno()

    def poll(self, seconds: float) -> bool:
        """Whether a message (or the end) is there within so many seconds."""
        return bool(self._read) or bool(self._poll.poll(seconds * 1000.0))

    def send(self, message: object) -> None:
        """Send one object; OSError when the other end is gone."""
        views: list[memoryview] = []

        def small(buffer: pickle.PickleBuffer) -> bool:
            view = buffer.raw()
            if view.nbytes > SMALL_BYTES:
                views.append(view)
            return view.nbytes <= SMALL_BYTES

        text = pickle.dumps(message, protocol=5, buffer_callback=small)
        sizes = [v.nbytes for v in views]
        starts, end = _layout(sizes)
        large = end > INLINE_BYTES
        head = _HEAD.pack(len(text), len(views), end if large else 0)
        parts: list[bytes | memoryview] = [head, text]
        if views:
            parts.append(struct.pack(f"<{len(sizes)}Q", *sizes))
        if not large:
            at = 0
            for start, view in zip(starts, views, strict=True):
                parts += [b"\0" * (start - at), view]
                at = start + view.nbytes
        with self._lock:
            if large:
                file = memory_file()
                try:
                    _write(file, zip(starts, views, strict=True), end)
                    socket.send_fds(self._socket, [head], [file])
                finally:
                    os.close(file)
                parts = parts[1:]
            self._socket.sendall(b"".join(parts))

    def receive(self) -> Any:
        """The next object; EOFError when the other end is gone. Its arrays can be written to."""
        length, count, shared = _HEAD.unpack(self._take(_HEAD.size))
        text = self._take(length)
        if not count:
            return pickle.loads(text)
        sizes = struct.unpack(f"<{count}Q", self._take(8 * count))
        starts, end = _layout(sizes)
        if shared:
            file = self._files.pop(0)
            try:
                source = memoryview(mmap.mmap(file, shared))
            finally:
                os.close(file)
        else:
            source = memoryview(bytearray(end))
            self._fill(source)
        views = [source[a : a + n] for a, n in zip(starts, sizes, strict=True)]
        return pickle.loads(text, buffers=views)

    def _take(self, size: int) -> bytes:
        """The next bytes of the stream."""
        while len(self._read) < size:
            try:
                found, more, _, _ = self._socket.recvmsg(_AT_ONCE, self._room, _CLOSE_ON_EXEC)
            except ConnectionError as error:
                raise EOFError from error
            if not found:
                raise EOFError
            for _, _, data in more:
                self._files += array("i", data)
            self._read += found
        taken, self._read = self._read[:size], self._read[size:]
        return taken

    def _fill(self, view: memoryview) -> None:
        """The next bytes of the stream into `view`."""
        had = self._read[: len(view)]
        self._read = self._read[len(view) :]
        view[: len(had)] = had
        view = view[len(had) :]
        while view:
            try:
                got = self._socket.recv_into(view)
            except ConnectionError as error:
                raise EOFError from error
            if not got:
                raise EOFError
            view = view[got:]

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


def memory_file() -> int:
    """The descriptor of a new file in memory that has no name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("allocc", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _layout(sizes: Iterable[int]) -> tuple[list[int], int]:
    """Where buffers of these sizes begin, and where the last one ends."""
    starts, at = [], 0
    for size in sizes:
        at += -at % _ALIGNMENT
        starts.append(at)
        at += size
    return starts, at


def _write(file: int, parts: Iterable[tuple[int, memoryview]], end: int) -> None:
    os.ftruncate(file, end)
    for start, view in parts:
        while view:
            put = os.pwrite(file, view, start)
            view, start = view[put:], start + put


@dataclass(frozen=True, slots=True)
class SparseRows:
    """The three arrays of a sparse matrix by rows: what solvers read, without importing scipy."""

    indptr: IntArray
    indices: IntArray
    data: FloatArray
    shape: tuple[int, int]

    @property
    def nnz(self) -> int:
        """Number of entries."""
        return len(self.data)

    def __getitem__(self, index: Any) -> Any:
        from scipy import sparse

        return sparse.csr_array((self.data, self.indices, self.indptr), shape=self.shape)[index]


_FIELDS = [f.name for f in fields(Solution)]


def flat(solution: Solution) -> tuple[Any, ...]:
    """A solution's fields, small arrays as bytes: a fraction of the time that pickle takes for both."""
    return tuple(
        [
            x.tobytes() if isinstance(x, np.ndarray) and x.nbytes <= SMALL_BYTES else x
            for x in [getattr(solution, name) for name in _FIELDS]
        ]
    )


def whole(values: tuple[Any, ...]) -> Solution:
    """The solution of `flat` values."""
    full: list[Any] = [np.frombuffer(x).copy() if isinstance(x, bytes) else x for x in values]
    return Solution(*full)


def plain(values: Any) -> Any:
    """A few numbers as a list, which is sent faster than an array."""
    return values.tolist() if values.size <= 32 else values


def stripped(program: Program) -> Program:
    """What a solver needs of a program: without labels and places, which cannot be sent."""
    m = program.matrix
    return replace(
        program,
        matrix=cast(Any, SparseRows(m.indptr, m.indices, m.data, m.shape)),
        column_blocks=(ProgramBlock("x", 0, program.columns, "stated"),),
        row_blocks=(ProgramBlock("row", 0, program.rows, "stated"),),
        functions=tuple(replace(f, span=None) for f in program.functions),
        extremes=tuple(replace(e, span=None) for e in program.extremes),
        defined=None,
    )
