"""A durable job queue on sqlite: jobs are claimed with a lease, retried with a growing delay, and parked when
they keep failing.

One table holds every job. A worker claims the oldest job that is due, which sets a lease; a worker that dies
lets its lease run out, and another one claims the job again. So a job runs at least once, and its handler
should not mind running twice.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL,
    leased_until REAL,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (state, due_at);
"""

Handler = Callable[[dict[str, Any]], None]


class QueueError(Exception):
    """Base class of this module's errors."""


class UnknownKind(QueueError):
    """A job has a kind that no handler was registered for."""


@dataclass(frozen=True)
class Job:
    """One claimed job."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int


@dataclass(frozen=True)
class RetryPolicy:
    """How often a failed job is tried again, and after how long."""

    max_attempts: int = 5
    base_delay: float = 1.0

    def delay(self, attempts: int) -> float:
        """Seconds to wait after the given number of failed attempts."""
        return self.base_delay * 2 ** (attempts - 1)

    def gives_up(self, attempts: int) -> bool:
        """Whether a job that failed this often is parked."""
        return attempts >= self.max_attempts


class JobQueue:
    """A queue in one sqlite file; any number of processes may use it."""

    def __init__(
        self,
        path: str,
        policy: RetryPolicy | None = None,
        lease_seconds: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self.lease_seconds = lease_seconds
        self.clock = clock
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def put(self, kind: str, payload: dict[str, Any], delay: float = 0.0) -> int:
        """Add a job that is due after `delay` seconds, and return its id."""
        with self._transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO jobs (kind, payload, due_at) VALUES (?, ?, ?)",
                (kind, json.dumps(payload), self.clock() + delay),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def claim(self) -> Job | None:
        """Take the oldest job that is due, or None."""
        now = self.clock()
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT * FROM jobs"
                " WHERE (state = 'queued' AND due_at <= :now)"
                " OR (state = 'running' AND leased_until <= :now)"
                " ORDER BY due_at, id LIMIT 1",
                {"now": now},
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, leased_until = ? WHERE id = ?",
                (now + self.lease_seconds, row["id"]),
            )
        return Job(row["id"], row["kind"], json.loads(row["payload"]), row["attempts"] + 1)

    def complete(self, job: Job) -> None:
        """Remove a job that is done."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM jobs WHERE id = ?", (job.id,))

    def fail(self, job: Job, error: Exception) -> None:
        """Put a failed job back with a delay, or park it."""
        message = f"{type(error).__name__}: {error}"
        if self.policy.gives_up(job.attempts):
            state, due_at = "parked", self.clock()
            logger.error("job %d parked after %d attempts: %s", job.id, job.attempts, message)
        else:
            state, due_at = "queued", self.clock() + self.policy.delay(job.attempts)
            logger.warning("job %d failed, attempt %d: %s", job.id, job.attempts, message)
        with self._transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, due_at = ?, leased_until = NULL, last_error = ? WHERE id = ?",
                (state, due_at, message, job.id),
            )

    def counts(self) -> dict[str, int]:
        """Number of jobs in each state."""
        rows = self._connection.execute("SELECT state, COUNT(*) AS n FROM jobs GROUP BY state")
        return {row["state"]: row["n"] for row in rows}


class Worker:
    """Runs the jobs of a queue, one at a time."""

    def __init__(self, queue: JobQueue, idle_seconds: float = 0.5) -> None:
        self.queue = queue
        self.idle_seconds = idle_seconds
        self._handlers: dict[str, Handler] = {}
        self._stopping = False

    def handler(self, kind: str) -> Callable[[Handler], Handler]:
        """Register the decorated function for jobs of a kind."""

        def register(function: Handler) -> Handler:
            if kind in self._handlers:
                raise QueueError(f"there is a handler for {kind!r} already")
            self._handlers[kind] = function
            return function

        return register

    def stop(self) -> None:
        """End `run` after the job in work."""
        self._stopping = True

    def run(self) -> None:
        """Work until `stop` is called."""
        while not self._stopping:
            if not self.run_once():
                time.sleep(self.idle_seconds)

    def run_once(self) -> bool:
        """Run one job if one is due; whether there was one."""
        job = self.queue.claim()
        if job is None:
            return False
        try:
            self._dispatch(job)
        except Exception as error:
            self.queue.fail(job, error)
        else:
            self.queue.complete(job)
        return True

    def _dispatch(self, job: Job) -> None:
        try:
            function = self._handlers[job.kind]
        except KeyError:
            raise UnknownKind(job.kind) from None
        function(job.payload)
