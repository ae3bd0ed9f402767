"""The web application: pages, API, access. No SQL, no statistics, no business rule."""
