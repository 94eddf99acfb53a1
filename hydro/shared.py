"""Projects that threads share: each is lent to one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock
from typing import Generic, Protocol, TypeVar

Answer = TypeVar("Answer")


class Closable(Protocol):
    """Something to give back."""

    def close(self) -> None:
        """Give it back."""


Project = TypeVar("Project", bound=Closable)


class Shared(Generic[Project]):
    """At most ``most`` projects, opened when they are first needed."""

    def __init__(self, open_one: Callable[[], Project], most: int) -> None:
        self._open, self._most = open_one, most
        self._idle: SimpleQueue[Project] = SimpleQueue()
        self._all: list[Project] = []
        self._lock = Lock()

    def add(self, project: Project) -> None:
        """Share a project that is open already."""
        self._all.append(project)
        self._idle.put(project)

    def apply(self, question: Callable[[Project], Answer]) -> Answer:
        """Return what a question put to one of the projects gives, waiting for one where all are lent."""
        project = self._take()
        try:
            return question(project)
        finally:
            self._idle.put(project)

    def close(self) -> None:
        """Give all of them back."""
        for project in self._all:
            project.close()
        self._all.clear()

    def _take(self) -> Project:
        with self._lock:
            if self._idle.empty() and len(self._all) < self._most:
                project = self._open()
                self._all.append(project)
                return project
        return self._idle.get()
