"""A file is written whole, or the one that was there stays."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.whole_file import write_whole


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """The largest size that a file may have stands for the end of the disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_file_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    write_whole(path, "管网")
    with full_disk(1000), pytest.raises(OSError, match=r"one\.txt"):
        write_whole(path, b"x" * 2000)
    assert path.read_text(encoding="utf-8") == "管网"
    assert [one.name for one in tmp_path.iterdir()] == ["one.txt"]


def test_who_may_read_a_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    write_whole(path, "old")
    path.chmod(0o600)
    write_whole(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", Path("/dev/stdout")
    (tmp_path / "file").write_text("old")
    link.symlink_to(tmp_path / "file")
    write_whole(link, "new")
    assert (link.is_symlink(), (tmp_path / "file").read_text()) == (True, "new")
    if pipe.exists() and not pipe.is_file():
        write_whole(pipe, "")
        assert not pipe.is_file()
