"""What a project that does not know itdash yet has, and the files that make it known: nothing is imported."""
