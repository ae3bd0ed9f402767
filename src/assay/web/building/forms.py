"""Forms that write something: what was sent, and where one is led afterwards."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

from assay.web.building.base import Form

MOST_FIELDS = 400


async def form_of(request: Request) -> Form:
    """A form's fields, each with all that was given."""
    text = (await request.body()).decode("utf-8", "replace")
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(413, f"a form may have {MOST_FIELDS} fields") from None


def after(request: Request, page: str, name: str) -> str:
    """The address of a page below the workspace; one that ends with ``=`` shows the thing of this name."""
    return f"{request.state.root}/{page}{name if page.endswith('=') else ''}"
