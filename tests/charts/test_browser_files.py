"""The pages' own files: small enough, readable in both themes, and the same colours where no style sheet is."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from assay import charts

FRONTEND = Path(__file__).parents[2] / "frontend" / "app"
STATIC = Path(charts.__file__).parents[1] / "web" / "static"
TOKENS = (FRONTEND / "css" / "tokens.css").read_text(encoding="utf-8")

TEXTS = [
    *((ink, ground) for ink in ("text", "muted", "accenttext") for ground in ("page", "surface", "sunken")),
    ("text", "accentsoft"), ("accenttext", "accentsoft"), ("onaccent", "accent"), ("surface", "text"),
    *((tone, ground) for tone in ("good", "bad", "warning") for ground in ("surface", "page", f"{tone}soft")),
    *(("text", f"{tone}soft") for tone in ("good", "bad", "warning", "info")),
    *((f"heattext{n}", f"heat{n}") for n in range(1, 7)),
]  # fmt: skip
SHAPES = [
    *((f"series{n}", "surface") for n in range(1, 8)),
    *((tone, "surface") for tone in ("accent", "up", "down", "strong", "rest", "good", "bad", "warning", "field", "focus")),
    ("focus", "page"), ("field", "page"),
]  # fmt: skip


def theme(name: str) -> dict[str, str]:
    block = {
        "light": r":root \{\s*color-scheme: light;(.*?)\}",
        "dark": r':root\[data-theme="dark"\] \{\s*color-scheme: dark;(.*?)\}',
        "system": r':root:not\(\[data-theme="light"\]\) \{\s*color-scheme: dark;(.*?)\}',
    }[name]
    found = re.search(block, TOKENS, re.DOTALL)
    assert found is not None
    return dict(re.findall(r"--(\w+): ([^;]+);", found.group(1)))


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of ``#rrggbb``."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_has_the_contrast_of_the_standard() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54  # WCAG's own example of just enough


@pytest.mark.parametrize("name", ["light", "dark"])
def test_texts_and_shapes_stand_out(name: str) -> None:
    colours = theme(name)
    weak = [
        (a, b, round(contrast(colours[a], colours[b]), 2)) for a, b in TEXTS if contrast(colours[a], colours[b]) < 4.5
    ]
    pale = [
        (a, b, round(contrast(colours[a], colours[b]), 2)) for a, b in SHAPES if contrast(colours[a], colours[b]) < 3
    ]
    assert (weak, pale) == ([], [])


def test_the_system_and_the_button_give_the_same_dark() -> None:
    assert theme("system") == theme("dark")


def test_pictures_without_a_style_sheet_have_the_same_colours() -> None:
    text = (FRONTEND / "charts" / "themes.ts").read_text(encoding="utf-8")
    for name in ("light", "dark"):
        found = re.search(rf"const {name}: Theme = \{{(.*?)\n\}};", text, re.DOTALL)
        assert found is not None
        mine, pages = dict(re.findall(r'(\w+): "([^"]+)"', found.group(1))), theme(name)
        assert {token: pages.get(token) for token in mine} == mine


def test_every_token_of_a_chart_is_a_colour_of_both_themes() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(charts.__file__).parent.glob("*.py"))
    used = set(re.findall(r'"@([a-z]+\d?)"', source)) - {"heat", "heattext"}  # these have a number behind them
    assert {"accent", "text", "grid", "rest"} <= used
    for name in ("light", "dark"):
        assert used - set(theme(name)) == set()


def built(name: str) -> bytes:
    path = STATIC / name
    if not path.is_file():
        pytest.skip("the browser files are not built: Node was not there when assay was installed")
    return path.read_bytes()


def test_a_page_loads_little_script() -> None:
    sizes = {name: len(gzip.compress(built(name), 9)) for name in ("theme.js", "app.js", "app.css", "charts.js")}
    assert sizes["theme.js"] < 1_000
    assert sizes["app.js"] < 20_000  # htmx is in it
    assert sizes["app.css"] < 20_000
    assert sizes["charts.js"] < 260_000  # loaded where a chart is


@pytest.mark.parametrize("name", ["theme.js", "app.js", "app.css", "charts.js"])
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    addresses = set(re.findall(rb"https?://[\w.-]+", built(name)))
    assert addresses <= {b"http://www.w3.org", b"https://four.htmx.org", b"https://htmx.org", b"https://github.com"}
