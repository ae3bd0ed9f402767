"""Pages by the questions that people ask. One more is a file and a line in ``PAGES``."""

from __future__ import annotations

from assay.web.pages import (
    acquisition,
    asked,
    data,
    definitions,
    experiments,
    find,
    funnels,
    journeys,
    kpi,
    overview,
    person,
    programme,
    retention,
    segments,
    visited,
)
from assay.web.pages.base import Page

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    kpi.PAGE,
    funnels.PAGE,
    journeys.PAGE,
    visited.PAGE,
    acquisition.PAGE,
    retention.PAGE,
    segments.PAGE,
    experiments.PAGE,
    definitions.PAGE,
    data.PAGE,
)

BESIDE: tuple[Page, ...] = (person.PAGE, programme.PAGE, asked.PAGE, find.PAGE)  # reached by links, in no navigation

BY_NAME: dict[str, Page] = {page.name: page for page in (*PAGES, *BESIDE)}
