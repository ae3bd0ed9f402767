"""The scripts as they are built and served: how large, for which browsers, which path brings which, what caches hear."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from assay.collect.scripts import CORE, LATER, MODULES, built, script, served
from assay.collect.snippet import STUB, Tag

ROOT = Path(__file__).parent.parent.parent
ACORN = ROOT / "frontend" / "node_modules" / "acorn" / "bin" / "acorn"
needs_built = pytest.mark.skipif(script() is None, reason="the snippet is not built: Node was not there")
CONFIG = '{"experiments":[]}'


def packed(*modules: str) -> int:
    text = script(modules)
    assert text is not None
    return len(gzip.compress(text, 9))


@needs_built
def test_it_is_small() -> None:
    core = packed()
    assert core <= 2_000  # bytes, as gzip
    assert packed("auto") - core <= 2_000
    assert packed("experiments") - core <= 1_000
    assert packed("datalayer") - core <= 1_000
    assert packed(*MODULES) <= 5_000


@needs_built
@pytest.mark.parametrize("name", [CORE, *MODULES, *LATER])
def test_browsers_of_2017_can_read_it(name: str) -> None:
    text = built(name)
    assert text is not None
    later = r"globalThis|structuredClone|replaceAll|allSettled|\.(flat|flatMap|fromEntries|findLast|at)\("
    found = {one[0] for one in re.finditer(later, text.decode())}
    assert found == ({".at("} if name == "vitals" else set())  # its package's: without it the module does nothing
    if not ACORN.exists() or shutil.which("node") is None:
        pytest.skip("acorn is not installed: npm ci in frontend/")
    done = subprocess.run(["node", ACORN, "--ecma2017", "--silent"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    newer = subprocess.run(["node", ACORN, "--ecma2017", "--silent"], input=b"a?.b", capture_output=True, check=False)
    assert newer.returncode == 1  # it does refuse what came later


def test_every_module_has_a_source() -> None:
    folder = ROOT / "frontend" / "tracker" / "src" / "modules"
    assert sorted(path.stem for path in folder.glob("*.ts")) == sorted([*MODULES, *LATER])


@needs_built
@pytest.mark.parametrize(
    ("path", "status", "has"),
    [
        ("/assay.js", 200, []),
        ("/assay.auto.js", 200, ["form_abandon"]),
        ("/assay.experiments.auto.js", 200, ["form_abandon", CONFIG]),
        ("/assay.auto.experiments.js", 200, ["form_abandon", CONFIG]),
        ("/assay.auto.auto.js", 200, ["form_abandon"]),
        ("/assay-vitals.js", 200, ["web_vitals"]),
        ("/assay.atuo.js", 404, ["no module atuo; did you mean 'auto'?"]),
        ("/assay.vitals.js", 404, ["no module vitals"]),
        ("/assay-auto.js", 404, ["no module auto"]),
    ],
)
def test_a_path_says_what_is_in_it(path: str, status: int, has: list[str]) -> None:
    answer = served(path, {}, lambda: CONFIG)
    assert answer is not None
    text = answer.body.decode()
    assert (answer.status, [one for one in has if one not in text]) == (status, [])
    known = ["form_abandon", CONFIG, "web_vitals"]
    assert status == 404 or [one for one in known if one in text and one not in has] == []


@pytest.mark.parametrize(
    "path", ["/assay", "/assay/x.js", "/assay.js.map", "/assay..js", "/assay.js/", "/assay.AUTO.js", "/e"]
)
def test_other_paths_are_none_of_it(path: str) -> None:
    assert served(path, {}, lambda: CONFIG) is None


@needs_built
def test_caches_hear_how_long_and_whether_it_changed() -> None:
    plain = served("/assay.js", {}, lambda: CONFIG)
    zipped = served("/assay.js", {"accept-encoding": "gzip, br"}, lambda: CONFIG)
    tested = served("/assay.experiments.js", {}, lambda: CONFIG)
    changed = served("/assay.experiments.js", {}, lambda: "{}")
    assert plain
    assert zipped
    assert tested
    assert changed
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["content-encoding"] == "gzip"
    assert [one.headers["cache-control"] for one in (plain, tested)] == ["public, max-age=3600", "public, max-age=60"]
    assert tested.headers["etag"] != changed.headers["etag"]
    again = served("/assay.js", {"if-none-match": plain.headers["etag"]}, lambda: CONFIG)
    assert again
    assert (again.status, again.body) == (304, b"")


class Scripts(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "script"
        self.found.append(dict(attrs))


def test_the_tag_escapes_what_it_is_given() -> None:
    evil = '"><img src=x onerror=alert(1)>'
    tag = Tag("https://c.example/" + evil, "pk_" + evil, ("auto", "vitals"), evil, "consented", evil)
    stub, main = Scripts(tag.html).found
    assert stub == {"nonce": evil}
    assert main == {
        "defer": None, "src": f"https://c.example/{evil}/assay.auto.js", "nonce": evil, "data-key": "pk_" + evil,
        "data-domains": evil, "data-mode": "consented", "data-vitals": "on",
    }  # fmt: skip


def test_with_experiments_the_script_is_not_deferred() -> None:
    (main,) = Scripts(Tag("https://c.example", "pk_a", ("experiments", "auto"), stub=False).html).found
    assert main == {"src": "https://c.example/assay.experiments.auto.js", "data-key": "pk_a"}


def test_the_policy() -> None:
    # printf %s STUB | openssl dgst -sha256 -binary | base64
    assert STUB.startswith("(function(w){")
    digest = "'sha256-kU36FNiJU34Qn0qhB7i2HZDI1K+NU/1h51RpH+Td7Fw='"
    of = {"connect-src": "https://c.example"}
    assert Tag("https://c.example/stats", "pk_a").policy == {"script-src": f"https://c.example {digest}", **of}
    assert Tag("https://c.example", "pk_a", nonce="n1").policy == {"script-src": "https://c.example 'nonce-n1'", **of}
    assert Tag("https://c.example", "pk_a", stub=False).policy == {"script-src": "https://c.example", **of}
