"""Writes a page with every component and every chart, from real answers of a workspace: `python gallery.py DEMO OUT.html`.

For development: look at it light and dark, 390 and 1,440 px wide. It is not part of the package. It takes scripts and
styles from the folder ``static`` beside OUT.html.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import assay
from assay.charts import chart, spark
from assay.model.answer import Answer
from assay.report.words import shown

ICON = '<svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.7" aria-hidden="true"><path d="{}"/></svg>'
NAV = [
    ("Overview", "o", "M3 10h6V3H3zM11 17h6v-7h-6zM3 17h6v-4H3zM11 7h6V3h-6z"), ("Funnels", "f", "M3 4h14l-5 7v6l-4-2v-4z"),
    ("Journeys", "j", "M3 5h6c4 0 4 10 8 10M3 15h4"), ("Pages", "p", "M5 2h7l4 4v12H5zM12 2v4h4"),
    ("Acquisition", "a", "M3 16l5-6 3 3 6-8"), ("Retention", "r", "M4 10a6 6 0 1 1 2 4M4 16v-4h4"),
    ("Experiments", "e", "M8 3v5l-5 8h14l-5-8V3M6 3h8"), ("Definitions", "d", "M4 3h9l3 3v11H4zM7 9h6M7 13h6"),
    ("Data", "t", "M3 5c0-3 14-3 14 0v10c0 3-14 3-14 0zM3 10c0 3 14 3 14 0"),
]  # fmt: skip
LONG = "Bestellabschlussquote nach Versandkostenfreigrenzenunterschreitung im Geschäftskundenbereich"
CHARTS: list[tuple[str, str, dict[str, Any]]] = [
    ("c12", "metric", {"names": ["purchase_rate"], "grain": "day"}),
    ("c6", "metric", {"names": ["purchase_rate"], "grain": "week", "by": ["device"]}),
    ("c6", "metric", {"names": ["purchase_rate"], "grain": "week", "by": ["channel"]}),
    ("c12", "metric", {"names": ["rpv", "cart_abandonment"], "grain": "day", "from_": "2026-07-20", "to": "2026-09-30"}),
    ("c6", "metric", {"names": ["purchase_rate"], "by": ["channel"]}),
    ("c6", "metric", {"names": ["revenue"], "by": ["channel"], "compare": "previous"}),
    ("c6", "overview", {}), ("c6", "pace", {}),
    ("c6", "funnel", {"name": "checkout"}), ("c6", "funnel", {"name": "checkout", "by": ["device"]}),
    ("c6", "why", {"name": "purchase_rate"}), ("c6", "segments", {"name": "purchase_rate"}),
    ("c6", "experiment-readout", {"name": "free_shipping"}), ("c6", "experiment-readout", {"name": "free_shipping", "daily": True}),
    ("c8", "retention", {}), ("c4", "retention", {"by": ["device"]}),
    ("c6", "lifecycle", {}), ("c6", "time-to", {"name": "order"}),
    ("c12", "journey", {}), ("c6", "changes", {}), ("c6", "opportunity", {}),
]  # fmt: skip


def table(answer: Answer, most: int = 8) -> str:
    columns = shown(answer)
    head = "".join(f'<th scope="col"{"" if c.is_text else " class=num"}>{escape(c.title)}</th>' for c in columns)
    body = ""
    for i in range(min(most, len(answer.rows))):
        cells = "".join(f'<td{"" if c.is_text else " class=num"}><bdi>{escape(c.texts[i])}</bdi></td>' for c in columns)
        body += f"<tr>{cells}</tr>"
    return f'<div class="table-wrap"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(answer: Answer, name: str) -> str:
    made = chart(answer)
    if made is None:
        return f"<p class=note>{escape(name)}: no picture. {escape(answer.sentence)}</p>"
    data = json.dumps(asdict(made)).replace("<", "\\u003c")
    free = f"h{min(1000, -(-made.height // 40) * 40)}"
    return f"""<figure class="chart" data-chart data-name="{name}">
<figcaption><span class="chart-title">{escape(made.title)}</span><span class="chart-unit">{escape(made.subtitle)}</span></figcaption>
<div class="chart-plot {free}"></div><script type="application/json">{data}</script>
<div class="chart-foot"><details class="chart-table"><summary>Table</summary>{table(answer)}</details>
<button type="button" class="button small quiet" data-png hidden>Save as PNG</button></div></figure>"""


def tiles(overview: Answer, days: Answer) -> str:
    made = ""
    for row in overview.records()[:4]:
        target = row["target_value"]
        line = spark(days, str(row["kpi"]), float(target) if target is not None else None)
        noise = "noise" in str(row["change"])
        way = "up" if float(row["difference"] or 0) > 0 else "down"
        tone = "none" if noise else "good"
        made += f"""<article class="card tile c3"><h3 class="tile-name"><a href="#kpi">{escape(str(row["kpi"]))}</a></h3>
<div class="tile-now">{escape(str(row["now"]))}</div>
<div class="tile-change"><span class="change {way} {tone}">{escape(str(row["change"]))}</span></div>
<div class="tile-range">between {escape(str(row["range"]).replace(" to ", " and "))}</div>
{line.svg if line else ""}<span class="sr">{escape(line.alt) if line else ""}</span>
<div class="tile-goal">{escape(str(row["standing"]))}</div></article>"""
    return f'<div class="grid">{made}</div>'


def funnel(answer: Answer) -> str:
    rows, steps = answer.records(), ""
    for i, row in enumerate(rows):
        if i:
            steps += f"""<li class="funnel-between"><span></span><span><b>{float(row["from_previous"]):.1%} go on</b>
<a class="funnel-lost" href="#lost">{row["lost"]:,} lost here</a><span>median {row["median_from_previous"]:.0f} s</span></span></li>"""
        steps += f"""<li class="funnel-step"><span class="funnel-name">{row["step"]}</span>
<span class="funnel-track"><progress max="{rows[0]["units"]}" value="{row["units"]}" aria-label="{row["step"]}"></progress>
<span class="funnel-rate">{float(row["from_start"] or 1):.1%}</span></span><span class="funnel-count">{row["units"]:,}</span></li>"""
    return f'<ol class="funnel">{steps}</ol>'


def components(ws: Any) -> str:
    overview = ws.ask("overview")
    metrics = [str(row["kpi"]) for row in overview.records()]
    days = ws.ask("metric", names=metrics, grain="day")
    readout = ws.ask("experiment-readout", name="free_shipping")
    return f"""
<header class="page-head"><h1>Overview</h1><p class="lead">{escape(overview.sentence)}</p></header>
{tiles(overview, days)}
<div class="grid tiles-quiet"><article class="card tile c3"><h3 class="tile-name">refund_rate</h3><div class="tile-now">3.49 %</div>
<div class="tile-range">guardrail: fine</div></article><article class="card tile c3 broken"><h3 class="tile-name">page_speed</h3>
<div class="tile-now">4.1 s</div><div class="tile-range">guardrail broken: above 2.5 s since Thu 17 Sep</div></article>
<article class="card tile c3"><h3 class="tile-name">revenue of a large shop</h3><div class="tile-now long">¥ 987,654,321.00</div>
<div class="tile-change"><span class="change up good">12 % up</span></div></article>
<article class="card tile c3"><h3 class="tile-name">{LONG}</h3><div class="tile-now">1.23 %</div></article></div>
<ul class="findings"><li class="banner warning"><div><b>Purchases from Safari stopped arriving on 17 Sep.</b> About 18 orders are missing.
<span class="action">Repair the purchase tag, then compare with the till.</span></div><a class="button small" href="#x">Look</a></li>
<li class="banner"><div>Data are complete to Wed 30 Sep 2026.</div></li>
<li class="banner bad"><div><b>The last import failed</b> in line 12. Nothing was lost.</div></li>
<li class="banner good"><div>The tag works: 12 events in the last minute.</div></li></ul>
<div class="grid"><section class="card c7"><div class="card-head"><h2>Checkout, step by step</h2><details class="menu end"><summary class="button small">More</summary>
<div class="menu-panel"><a href="#d">Definition</a><a href="#s">SQL</a><a href="#c">Compare with another rule</a><a href="#e">Export CSV</a>
<button type="button">Add to report</button></div></details></div>{funnel(ws.ask("funnel", name="checkout"))}</section>
<section class="card verdict stop c5"><ul class="health"><li class="pill good">Split as planned</li><li class="pill good">Enough units</li>
<li class="pill warning">One day missing</li></ul><p class="verdict-word">Do not ship</p><p>{escape(readout.sentence)}</p>
<dl class="facts"><div><dt>Primary</dt><dd>−9.66 € (−14.73 to −4.59 €)</dd></div><div><dt>Worth a year</dt><dd>−117,420 € to −36,551 €</dd></div>
<div><dt>Units</dt><dd>1,070</dd></div></dl></section></div>
<section class="card"><div class="card-head"><h2>Pages <span class="tip"><button type="button" aria-describedby="t1">views</button>
<span role="tooltip" id="t1">Page views of people, bots taken out, one per page and load.</span></span></h2></div>{table(ws.ask("pages"))}</section>
<div class="grid"><section class="card c6"><h2>Form</h2><form><div class="field"><label for="n">Name of the goal</label>
<p class="hint">As people in the team call it</p><input id="n" type="text" value="newsletter"></div>
<div class="field wrong"><label for="m">Target</label><p class="error" id="m-e">Write a number, such as +10%</p>
<input id="m" type="text" value="ten" aria-describedby="m-e" aria-invalid="true"></div>
<fieldset class="period"><legend>Days</legend><div class="two"><input type="date" name="from" value="2026-09-03" aria-label="First day">
<input type="date" name="to" value="2026-09-30" aria-label="Last day"></div></fieldset>
<label class="inline"><input type="checkbox" checked> Send me the report on Mondays</label>
<div class="row"><button class="button primary">Save</button><button type="button" class="button" data-dialog="#dlg">Delete …</button>
<button type="button" class="button danger">Delete</button></div></form></section>
<section class="c6 stack"><div class="empty"><h2>No experiment yet</h2><p>Here you will see what each test decided and what it is worth.
A test needs a KPI and a hypothesis.</p><a class="button primary" href="#new">Write the first one</a></div>
<div class="card part" aria-busy="true"><span class="skeleton line short"></span><span class="skeleton number"></span><div class="loading">
<span role="status">Counting 23 million events</span><button type="button" class="button small" data-cancel>Stop</button></div></div>
<div class="card"><div class="card-head"><h3>Snippet</h3><button class="button small" type="button" data-copy="#code">Copy</button></div>
<pre id="code"><code>&lt;script src="https://stats.example/assay.js" defer&gt;&lt;/script&gt;</code></pre></div>
<div class="card"><h3>Right to left</h3><p><bdi>שרה כהן</bdi> bought for 1,234.00 ₪ from <bdi>متجر القهوة</bdi>.</p></div></section></div>
<dialog id="dlg" aria-labelledby="dlg-t"><h2 id="dlg-t">Delete this share link?</h2><p>Whoever has it will see nothing any more.</p>
<div class="row"><button class="button" data-close>Keep it</button><button class="button danger" data-close>Delete</button></div></dialog>"""


def page(ws: Any) -> str:
    nav = "".join(
        f'<li><a href="#{name}" data-go="{key}"{" aria-current=page" if i == 0 else ""}>{ICON.format(path)}<span>{name}</span></a></li>'
        for i, (name, key, path) in enumerate(NAV)
    )
    drawn = ""
    for i, (width, question, params) in enumerate(CHARTS):
        drawn += f'<section class="card {width}">{figure(ws.ask(question, **params), f"{question}-{i}")}</section>'
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Gallery</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'">
<meta name="htmx-config" content='{{"includeIndicatorCSS": false, "history": false}}'>
<script src="static/theme.js"></script><link rel="stylesheet" href="static/app.css">
<script src="static/app.js" defer></script><script src="static/charts.js" defer></script></head><body>
<a class="skip" href="#main">To the content</a><div class="shell"><nav class="side" aria-label="Main"><a class="brand" href="#home">{ICON.format("M10 2l7 4v8l-7 4-7-4V6zM7 10l2 2 4-5")}assay</a>
<ul class="nav" data-list>{nav}</ul><div class="side-foot"><div class="segmented" role="group" aria-label="Theme"><button type="button" data-theme-set="auto">Auto</button>
<button type="button" data-theme-set="light">Light</button><button type="button" data-theme-set="dark">Dark</button></div></div></nav>
<div class="main"><header class="top"><div class="top-inner"><details class="menu"><summary class="button">3 Sep – 30 Sep 2026</summary><div class="menu-panel">
<a href="#a" aria-current="true">Last 28 complete days</a><a href="#b">Last 7 days</a><a href="#c">This quarter</a></div></details>
<details class="menu"><summary class="button">against 28 days before</summary><div class="menu-panel"><a href="#a">Nothing</a><a href="#b">Last year</a></div></details>
<details class="menu"><summary class="button">Everybody</summary><div class="menu-panel"><a href="#a">mobile</a><a href="#b">paid</a></div></details>
<span class="grow"></span><label class="search"><span class="sr">Search</span><input type="search" placeholder="Search  /" data-search></label>
<button class="button icon" type="button" data-help aria-label="Keyboard help">?</button></div></header>
<main class="page" id="main">{components(ws)}<h2>Charts</h2><div class="grid">{drawn}</div></main></div></div></body></html>"""


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(assay.open(sys.argv[1])), encoding="utf-8")
