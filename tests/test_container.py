"""The container: its files say what they must, and (a long test) its steps, done by hand, give a program that works."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
KNOWN = {
    "FROM",
    "RUN",
    "WORKDIR",
    "COPY",
    "LABEL",
    "ENV",
    "USER",
    "VOLUME",
    "EXPOSE",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
}


@dataclass(frozen=True)
class Step:
    """One instruction of a Dockerfile and the stage that it belongs to."""

    stage: str
    name: str
    rest: str


def steps() -> list[Step]:
    """The Dockerfile, parsed by its own rules: comments, lines that go on."""
    lines = [one for one in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines() if not one.startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found: list[Step] = []
    stage = ""
    for line in filter(str.strip, text.splitlines()):
        name, _, rest = line.partition(" ")
        assert name in KNOWN, line
        if name == "FROM":
            stage = rest.partition(" AS ")[2] or "last"
        found.append(Step(stage, name, rest.strip()))
    return found


def only(name: str) -> str:
    (found,) = (one.rest for one in steps() if one.name == name and one.stage == "last")
    return found


def ignored(path: str) -> bool:
    """Whether .dockerignore leaves a path out: the last rule that fits it, or a folder above it, decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        rule = line.removeprefix("!").strip()
        if not rule or rule.startswith("#"):
            continue
        above = [path, *(str(one) for one in Path(path).parents if str(one) != ".")]
        if any(
            fnmatch.fnmatch(one, rule.replace("**/", "*"))
            or (rule.startswith("**/") and fnmatch.fnmatch(Path(one).name, rule[3:]))
            for one in above
        ):
            out = not line.startswith("!")
    return out


def copied(stage: str) -> list[tuple[list[str], str]]:
    """Sources and target of what a stage takes from the repository."""
    return [
        (one.rest.split()[:-1], one.rest.split()[-1])
        for one in steps()
        if one.name == "COPY" and one.stage == stage and not one.rest.startswith("--from=")
    ]


def test_what_is_copied_is_there_and_gets_into_the_context() -> None:
    for stage in ("wheel", "installed", "last"):
        for sources, _ in copied(stage):
            for source in sources:
                assert (ROOT / source).exists(), source
                assert not ignored(source), source
    for kept in (
        "src/assay/web/mcp.py",
        "src/assay/web/templates/page.html",
        "frontend/package-lock.json",
        "frontend/app/app.ts",
    ):
        assert (ROOT / kept).exists()
        assert not ignored(kept)
    for left in (".git", "tests", "docs", "frontend/node_modules/esbuild/bin/esbuild", "src/assay/web/static/app.js",
                 "src/assay/__pycache__/x.pyc", "demo/assay-data/store.duckdb", "assay-data", ".venv/bin/python"):  # fmt: skip
        assert ignored(left), left


def test_everything_that_the_build_reads_is_copied() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    taken = {source for sources, _ in copied("wheel") for source in sources}
    assert {
        project["readme"],
        *project["license-files"],
        "hatch_build.py",
        "pyproject.toml",
        "src",
        "frontend",
    } <= taken
    (installing,) = (one.rest for one in steps() if one.name == "RUN" and "/opt/assay/bin/python -m pip" in one.rest)
    extras = set(re.search(r"\.whl\)\[([^]]+)\]", installing)[1].split(","))  # type: ignore[index]
    assert {"charts", "mcp", "oidc", "pdf"} <= extras <= set(project["optional-dependencies"])


def test_it_runs_without_rights_on_one_volume_and_says_how_it_is() -> None:
    user = only("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    creating = next(one.rest for one in steps() if one.stage == "last" and one.name == "RUN")
    assert f"useradd --uid {user.partition(':')[0]} " in creating
    assert (only("VOLUME"), only("WORKDIR"), only("EXPOSE")) == ("/data", "/data", "8080 8090")
    after = [one.name for one in steps() if one.stage == "last"]
    assert "RUN" not in after[after.index("USER") :]
    options, _, check = only("HEALTHCHECK").partition("CMD ")
    assert {"--interval=30s", "--timeout=5s", "--start-period=60s", "--retries=3"} <= set(options.split())
    assert "http://127.0.0.1:8080/healthz" in json.loads(check)[-1]
    compile(json.loads(check)[-1], "healthcheck", "exec")
    assert json.loads(only("ENTRYPOINT")) + json.loads(only("CMD")) == ["assay", "serve", "--host", "0.0.0.0"]


def test_the_health_check_tells_well_from_ill() -> None:
    import sys
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Answering(BaseHTTPRequestHandler):
        status = 200

        def do_GET(self) -> None:
            assert self.path == "/healthz"
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = json.loads(only("HEALTHCHECK").partition("CMD ")[2])[-1].replace(":8080", f":{server.server_port}")

    def checked() -> int:
        return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode

    assert checked() == 0
    Answering.status = 500
    assert checked() == 1
    server.shutdown()
    server.server_close()
    assert checked() == 1


def test_bases_are_slim_and_named_and_nothing_is_left_of_apt() -> None:
    bases = [one.rest.split()[0] for one in steps() if one.name == "FROM"]
    assert len(bases) == 3
    assert all(re.fullmatch(r"[a-z]+:\d[\w.]*-slim-\w+|[a-z]+:\d[\w.]*-\w+-slim", base) for base in bases), bases
    for one in steps():
        if "apt-get install" in one.rest:
            assert "--no-install-recommends" in one.rest
            assert "rm -rf /var/lib/apt/lists/*" in one.rest
        if " pip " in one.rest:
            assert "--no-cache-dir" in one.rest
        assert "curl" not in one.rest
        assert "://" not in one.rest or one.name == "HEALTHCHECK"


def test_compose_has_the_same_ports_volume_and_bolts() -> None:
    found = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    (service,) = found["services"].values()
    assert [one.rpartition(":")[2] for one in service["ports"]] == only("EXPOSE").split()
    assert all(one.startswith("127.0.0.1:") for one in service["ports"])
    (volume,) = service["volumes"]
    assert volume.partition(":")[0] in found["volumes"]
    assert volume.endswith(f":{only('VOLUME')}")
    assert (service["read_only"], service["cap_drop"], service["init"]) == (True, ["ALL"], True)
    assert "no-new-privileges:true" in service["security_opt"]
    assert "/tmp" in service["tmpfs"]


@pytest.mark.soak
def test_the_steps_done_by_hand_give_a_program_that_works(tmp_path: Path) -> None:
    """The wheel from a clean copy with its browser files, installed into a fresh environment; then a demo."""
    if shutil.which("npm") is None:
        pytest.skip("Node and npm are not there")
    if not (ROOT / ".git").exists():
        pytest.skip("no clean copy can be made without git")
    source, wheels, opt = (tmp_path / name for name in ("source", "wheels", "opt"))
    places = {"/source": source, "/wheels": wheels, "/opt/assay": opt, "/building": tmp_path / "building"}
    known = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for sources, target in [*copied("wheel"), *copied("installed")]:
        for one in sources:
            folder = source if target in ("./", one) else wheels
            for name in (n for n in known.split("\0") if n == one or n.startswith(f"{one}/")):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
    ran = 0
    for step in steps():
        if step.name != "RUN" or "apt-get" in step.rest:
            continue
        command = step.rest
        for place, here in places.items():
            command = re.sub(rf"(?<![\w.])(?<!static){place}(?=[/\s\"]|$)", str(here), command)
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(["sh", "-c", command], cwd=source, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        ran += 1
    assert ran == 6
    assay = opt / "bin" / "assay"
    told = subprocess.run([assay, "--version"], capture_output=True, text=True, check=True, env=clean)
    assert told.stdout.startswith("assay ")
    folder = tmp_path / "demo"
    words = [assay, "demo", folder, "--days", "60", "--visitors", "3000"]
    made = subprocess.run(words, capture_output=True, text=True, env=clean)
    assert (folder / "assay-data" / "store.duckdb").exists(), made.stderr
    report = tmp_path / "report.html"
    subprocess.run([assay, "report", "--out", report, "-w", folder], capture_output=True, check=True, env=clean)
    assert "<svg" in report.read_text(encoding="utf-8")
