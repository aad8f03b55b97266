"""Where a run is shown or written; each view stands alone."""
