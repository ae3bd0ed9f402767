"""``assay snippet``: the tag for the head of every page, and what a content security policy has to allow."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.model.errors import UsageError, suggestion

if TYPE_CHECKING:
    from assay.collect.snippet import Tag
    from assay.workspace import Workspace

MODES = ("cookieless", "consented", "identified")
FORMATS = ("html", "json")


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


def _flag(name: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", help=help, show_default=False)


def snippet(
    ctx: typer.Context,
    host: Annotated[
        str, _option("host", "URL", "Where the collector is. [default: http://127.0.0.1:8090]")
    ] = "http://127.0.0.1:8090",
    key: Annotated[str, _option("key", "KEY", "The write key. [default: the first public one]")] = "",
    domains: Annotated[str, _option("domains", "LIST", "Further domains of the site that keep the visitor.")] = "",
    auto: Annotated[bool, _flag("auto", "Scrolling, links away, downloads, forms, marked elements.")] = False,
    experiments: Annotated[bool, _flag("experiments", "assay.variant(…), known before the page is drawn.")] = False,
    datalayer: Annotated[bool, _flag("datalayer", "Read GA4's dataLayer as events.")] = False,
    vitals: Annotated[bool, _flag("vitals", "How fast pages are (Core Web Vitals).")] = False,
    autocapture: Annotated[bool, _flag("autocapture", "Clicks on anything that can be clicked.")] = False,
    consent: Annotated[bool, _flag("consent", "Consent is given or not needed: --mode consented.")] = False,
    mode: Annotated[str, _option("mode", "MODE", "cookieless, consented or identified. [default: cookieless]")] = "",
    nonce: Annotated[str, _option("nonce", "TEXT", "Of the page's content security policy.")] = "",
    no_inline: Annotated[bool, _flag("no-inline", "Without the inline script.")] = False,
    form: Annotated[str, _option("format", "FORM", "html or json. [default: html]")] = "html",
    workspace: Folder = None,
) -> None:
    """The tag for the head of every page, and what a content security policy has to allow."""
    from assay.collect.scripts import LATER, MODULES, script
    from assay.collect.snippet import Tag
    from assay.workspace import Workspace

    _one_of("--mode", mode or MODES[0], MODES)
    _one_of("--format", form, FORMATS)
    if nonce and not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", nonce):
        raise UsageError(f"--nonce {nonce!r}: letters, digits, + / - _ and = at the end, as the page's policy has it")
    wanted = {
        "auto": auto,
        "experiments": experiments,
        "datalayer": datalayer,
        "vitals": vitals,
        "autocapture": autocapture,
    }
    modules = tuple(name for name in (*MODULES, *LATER) if wanted[name])
    with Workspace(folder_of(ctx, workspace)) as opened:
        named = domains or ",".join(opened.plan.site.domains[1:])
        known = _key(opened, key)
    tag = Tag(_host(host), known, modules, named, mode or ("consented" if consent else ""), nonce, not no_inline)
    write(_json(tag) if form == "json" else _text(tag))
    if form == "html" and script() is None:
        write(
            "\nnote: this installation was built without Node, so the collector has no assay.js; install Node and npm, "
            "then assay again\n"
        )


def _key(opened: Workspace, given: str) -> str:
    from assay.collect.keys import SECRET
    from assay.collect.keys import public as first_public

    if not given:
        return first_public(opened.state, opened.now)
    if given.startswith(SECRET):
        raise UsageError(f"--key {given[:7]}…: a secret key never stands in a page; use a public one (assay key list)")
    known = [row["key"] for row in opened.state.read("keys") if row["revoked_at"] is None]
    if given not in known:
        pages = [one for one in known if not one.startswith(SECRET)]
        raise UsageError(f"--key {given!r} is no key in use{suggestion(given, pages)}")
    return given


def _host(given: str) -> str:
    parts = urlsplit(given if "://" in given else f"https://{given}")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment or " " in given:
        raise UsageError(f"--host {given!r}: an address such as https://collect.example")
    return parts.geturl().rstrip("/")


def _one_of(option: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise UsageError(f"{option} {given!r} is not known{suggestion(given, known)}")


def _text(tag: Tag) -> str:
    policy = "; ".join(f"{name} {sources}" for name, sources in tag.policy.items())
    return f"{tag.html}\n\nwith a content security policy, add: {policy}\n"


def _json(tag: Tag) -> str:
    made = {"html": tag.html, "src": tag.source, "key": tag.key, "modules": list(tag.modules), "policy": tag.policy}
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
