"""Builds the browser files into the package: from npm by the lock file, never committed.

Runs whenever the package is built or installed from source. Without Node the package is built all the same; what is
then missing says how to get it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CORE = "tracker/src/index.ts"
MODULES = "tracker/src/modules"  # each file becomes one of the same name
SNIPPET = ["--format=iife", "--target=es2017", "--define:globalThis=window"]  # other people's visitors: browsers from 2017 on
PAGES = ["--format=iife", "--target=es2022"]  # our own users
APP = {  # built file → its source below ``frontend/``
    "app.css": "app/app.css",
    "app.js": "app/app.ts",
    "charts.js": "app/charts/index.ts",
    "charts-svg.js": "app/charts/svg.ts",
    "theme.js": "app/theme.ts",
}
COPIED = {"icon.svg": "app/icon.svg"}  # built file → the file that it is


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """esbuild over ``frontend/``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build what is older than its sources."""
        frontend = Path(self.root) / "frontend"
        static = Path(self.root) / "src" / "assay" / "web" / "static"
        if not frontend.is_dir():
            return
        wanted = files(frontend)
        sources = [path for path in frontend.rglob("*") if path.is_file() and "node_modules" not in path.parts]
        newest = max(path.stat().st_mtime for path in sources)
        if all((static / name).exists() and (static / name).stat().st_mtime >= newest for name in (*wanted, *COPIED)):
            return
        npm = shutil.which("npm")
        if npm is None:
            self.app.display_warning(
                "Node and npm are not there: the snippet and the pages' files are not built; install them and install again"
            )
            return
        try:
            run(
                [
                    npm,
                    "ci",
                    "--ignore-scripts",
                    "--prefer-offline",
                    "--no-fund",
                    "--no-audit",
                    "--fetch-retries=1",
                    "--fetch-timeout=30000",
                ],
                frontend,
            )
            static.mkdir(parents=True, exist_ok=True)
            for name, source in wanted.items():
                run(
                    [str(frontend / "node_modules" / ".bin" / "esbuild"), source, "--bundle", "--minify",
                     *(PAGES if name in APP else SNIPPET), f"--outfile={static / name}"],
                    frontend,
                )  # fmt: skip
            for name, source in COPIED.items():
                shutil.copyfile(frontend / source, static / name)
        except (OSError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", b"") or str(error).encode()
            self.app.display_warning(f"the browser files are not built: {detail.decode(errors='replace')[-500:]}")


def files(frontend: Path) -> dict[str, str]:
    """Built file → its source, below ``frontend/``."""
    modules = sorted((frontend / MODULES).glob("*.ts"))
    return {"assay.js": CORE, **{f"{path.stem}.js": f"{MODULES}/{path.name}" for path in modules}, **APP}


def run(command: list[str], folder: Path) -> None:
    """Run a command; CalledProcessError with what it said."""
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
