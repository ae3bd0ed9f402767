"""The keys of the section ``source``: the site's own tables, which are read where they lie."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.plan.forms import Form, Text, Texts

OwnForm = Literal["events", "ga4", "segment"]


class OwnTableForm(BaseModel):
    """A table of one's own. Other keys are options of the importer of that form, which knows them."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    from_: Annotated[
        Texts, Field(alias="from", min_length=1, description="files or globs (Parquet, CSV, NDJSON), or a .duckdb file")
    ]
    table: Annotated[Text | None, Field(description="the table in a .duckdb file: tracks, or schema.tracks")] = None
    form: Annotated[OwnForm, Field(description="how its rows become events; events: by a mapping")] = "events"

    @property
    def options(self) -> dict[str, Any]:
        """The importer's options."""
        return dict(self.model_extra or {})


class SourceForm(Form):
    """Where events are read from, in place of collecting and importing them."""

    tables: Annotated[dict[str, OwnTableForm], Field(min_length=1, description="name → table")]
