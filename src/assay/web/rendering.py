"""Templates: every page of a workspace has the same frame around it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response


@cache
def templates() -> Any:
    """All templates; every value is escaped, and a value that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("assay.web", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["day"] = lambda moment: datetime.fromtimestamp(moment / 1e6, UTC).strftime("%-d %b %Y")
    made.filters["moment"] = lambda moment: datetime.fromtimestamp(moment / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
    made.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    return made


def framed(request: Request, template: str, /, status: int = 200, **values: Any) -> Response:
    """A page of the workspace that was asked: navigation, picks and menu are there, ``values`` are its own.

    Beside them a template finds ``site`` (the name in addresses), ``here`` (where the workspace begins), ``plan``,
    ``who`` (who asks), ``shared`` (it is seen through a share link, which leads nowhere else), ``pages``, ``page``,
    ``view``.
    """
    from assay.web.pages import PAGES
    from assay.web.pages.base import View

    site, who = request.state.site, request.state.access
    frame = {
        "site": site.slug, "here": request.state.root, "plan": site.plan, "who": who, "shared": who.kind == "share",
        "pages": PAGES, "page": None, "view": View(), "problem": site.problem, "doubt": site.doubt,
        "choices": {}, "chosen": {}, "several": len(request.state.server.sites) > 1,
    }  # fmt: skip
    return html(template, status, **{**frame, **values})


def html(template: str, status: int = 200, /, **values: Any) -> Response:
    """A template as an answer that nobody else may keep."""
    text = templates().get_template(template).render(**values)
    return Response(text, status, media_type="text/html; charset=utf-8", headers={"cache-control": "private, no-cache"})
