"""The scripts that pages load, as built into the package: the core, modules in its file, modules for later.

``/assay.js`` is the core; ``/assay.auto.experiments.js`` the core with modules, in any order, in one request;
``/assay-vitals.js`` what the core loads after the page. With ``experiments`` come the experiments that run.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files

from assay.collect.wire import Response
from assay.model.errors import suggestion

CORE = "assay"
MODULES = ("experiments", "auto", "datalayer")  # in the file of the core
LATER = ("vitals", "autocapture")  # files of their own
EXPERIMENTS = "experiments"
KEPT = 3600  # seconds that browsers keep a script
KEPT_EXPERIMENTS = 60  # a test that starts or stops is everywhere after a minute
_PATH = re.compile(r"/assay(?:-([a-z]+)|((?:\.[a-z]+)*))\.js")
Config = Callable[[], str]  # the experiments that run, as JSON


@cache
def built(name: str) -> bytes | None:
    """One built file; None where the package was built without Node."""
    try:
        return files("assay").joinpath("web", "static", f"{name}.js").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def script(modules: tuple[str, ...] = (), config: str = "null") -> bytes | None:
    """The core and modules as one file; None where they are not built."""
    parts = [built(CORE)]
    for name in MODULES:
        if name in modules:
            if name == EXPERIMENTS:
                parts.append(f"window.assay&&assay._&&(assay._.config={config});\n".encode())
            parts.append(built(name))
    return None if None in parts else b"".join(part for part in parts if part is not None)


def served(path: str, headers: Mapping[str, str], config: Config) -> Response | None:
    """The answer to a request for a script; None where the path is that of none. Headers by lower-case names."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    later, dotted = found[1], found[2] or ""
    modules = tuple(dotted.split(".")[1:])
    known = LATER if later else MODULES
    for name in [later] if later else modules:
        if name not in known:
            said = f"there is no module {name}{suggestion(name, known)}\n".encode()
            return Response(404, said, {"content-type": "text/plain"})
    text = built(later) if later else script(modules, config() if EXPERIMENTS in modules else "null")
    if text is None:
        said = b"this installation was built without Node: the snippet is not there\n"
        return Response(404, said, {"content-type": "text/plain"})
    return _response(text, headers, KEPT_EXPERIMENTS if EXPERIMENTS in modules else KEPT)


def _response(text: bytes, headers: Mapping[str, str], seconds: int) -> Response:
    tag, packed = _packed(text)
    made = {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": f"public, max-age={seconds}",
        "etag": tag,
        "vary": "accept-encoding",
        "cross-origin-resource-policy": "cross-origin",
        "access-control-allow-origin": "*",
        "x-content-type-options": "nosniff",
    }
    if tag in headers.get("if-none-match", ""):
        return Response(304, b"", made)
    if "gzip" in headers.get("accept-encoding", ""):
        return Response(200, packed, {**made, "content-encoding": "gzip"})
    return Response(200, text, made)


@lru_cache(32)
def _packed(text: bytes) -> tuple[str, bytes]:
    """Its tag, weak because it stands for both forms, and the text in gzip."""
    return f'W/"{blake2b(text, digest_size=9).hexdigest()}"', gzip.compress(text, 9, mtime=0)
