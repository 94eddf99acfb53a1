"""Settings of the whole test run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

# As cli/main.py does: threads inside small matrix products cost more than they bring.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture
def attended() -> Iterator[None]:
    """Let what a test starts hear Ctrl-C and a terminal that closes, though the run itself may be in the background."""
    before = {told: signal.signal(told, signal.SIG_DFL) for told in (signal.SIGINT, signal.SIGHUP)}
    yield
    for told, handler in before.items():
        signal.signal(told, handler)
