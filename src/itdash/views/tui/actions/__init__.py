"""What can be done with one test, beside running it: each a function of the app and the test."""
