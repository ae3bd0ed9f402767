"""What must survive a power cut, and what need not outlive its owner."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def seen(path: Path) -> str:
    """What a file looks like from outside: equal while nobody has written to it."""
    try:
        stat = path.stat()
    except OSError:
        return "-"
    return f"{stat.st_ino}.{stat.st_size}.{stat.st_mtime_ns}"


def scratch(owner: object) -> Path:
    """A folder for files that are needed as long as somebody is there."""
    folder = Path(tempfile.mkdtemp(prefix="assay-"))
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return folder
