"""Everything about one test, in sections: pure functions that return lines."""
