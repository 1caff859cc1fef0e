"""From a run to files that work without this code:
a SavedModel, and a TF-Lite file for phones. `python -m export RUN`."""
