"""``make screenshots``: every page of the demo shop in light and dark, wide and on a phone; six of them for the documents.

``python bench/screenshots.py SHOP FOLDER [PICTURES]``: SHOP is a folder that ``assay demo`` has made.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "tests")]

from pages import BESIDE, NAMES, NARROW, WIDE, Machine, go, running, surfing  # noqa: E402

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
TALLEST = 6000  # pixels of one picture
# Name of the picture → the page, its scheme, where it is cut off (from the top, or the card that it shows).
CHOSEN = {
    "overview": ("overview", "light", 762),
    "overview-dark": ("overview", "dark", 762),
    "funnel": ("funnels?by=device", "light", "#funnel-step-by-step"),
    "experiment": ("experiments", "light", "section.view-verdict"),
    "kpi": ("kpi?metric=rpv", "light", "#metric-in-its-course"),
    "building": ("build/funnel", "light", "main"),
}


def main(shop: Path, folder: Path, pictures: Path | None) -> int:
    """Write them all."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        copy = Path(place) / "kaffeekiste"
        shutil.copytree(shop, copy)
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with running([copy]) as machine:
            if pictures is None:
                everything(browser, machine, folder)
            else:
                chosen(browser, machine, pictures)
        browser.close()
    return 0


def everything(browser: Any, machine: Machine, folder: Path) -> None:
    """Every page in four ways."""
    for scheme in ("light", "dark"):
        for size in (WIDE, NARROW):
            with surfing(browser, machine, color_scheme=scheme, viewport=size) as page:
                for name in (*NAMES, *BESIDE):
                    page.set_viewport_size(size)
                    go(page, machine.at(name))
                    drawn(page)
                    path = folder / f"{name.replace('/', '-')}-{scheme}-{size['width']}.png"
                    path.write_bytes(small(page.screenshot(full_page=True)))
                    print(path)


def drawn(page: Any) -> None:
    """Charts below the window too."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(700)


def chosen(browser: Any, machine: Machine, folder: Path) -> None:
    """Those of the documents."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (address, scheme, part) in CHOSEN.items():
        height = part if isinstance(part, int) else 900
        with surfing(browser, machine, color_scheme=scheme, viewport={"width": 1280, "height": height}) as page:
            go(page, machine.at(address))
            if address.startswith("build/"):
                built(page)
            drawn(page)
            if isinstance(part, int):
                shot = page.screenshot(clip={"x": 0, "y": 0, "width": 1280, "height": part})
            else:
                shot = page.locator(part).first.screenshot()
        made = small(shot)
        (folder / f"{name}.png").write_bytes(made)
        print(folder / f"{name}.png", f"{len(made):,} bytes")


def built(page: Any) -> None:
    """A funnel of three steps, and what it would have counted; nothing is written."""
    page.fill("#name", "into_the_cart")
    for number, event in enumerate(("page_view", "view_item", "add_to_cart")):
        page.select_option(f"select[name='steps.{number}.event']", event)
    page.click("button[value=try]")
    page.wait_for_selector("h2 >> text=What would be written")


def small(shot: bytes) -> bytes:
    """The same picture in at most 256 colours."""
    from PIL import Image

    with Image.open(io.BytesIO(shot)) as opened:
        made = opened.convert("RGB")
    made = made.crop((0, 0, made.width, min(made.height, TALLEST)))
    out = io.BytesIO()
    made.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))
