"""Text for the screen, the log and the page, with roles instead of colours."""
