"""Threads: EPANET solves on all cores at once; the products of matrices around it are small and run on one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Given = ParamSpec("Given")
Result = TypeVar("Result")


def on_one_core(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return the function with its linear algebra on one thread: more would wait for one another, spinning."""

    @wraps(function)
    def limited(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        with threadpool_limits(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
