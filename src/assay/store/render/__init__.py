"""DuckDB's words → another engine's dialect: what SQLGlot leaves open or gets otherwise. One file a dialect.

Only what was seen to differ stands there; ``tests/store/test_render.py`` runs each on every engine.
"""
