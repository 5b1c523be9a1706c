"""Reports: one Report, built once, and one writer per format that prints from it."""
