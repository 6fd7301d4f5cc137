"""Results on disk: a row per call in SQLite, a directory of artefacts per call."""
