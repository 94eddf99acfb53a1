"""Settings of the whole test run."""

from __future__ import annotations

import os

# As cli/main.py does: threads inside small matrix products cost more than they bring.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
