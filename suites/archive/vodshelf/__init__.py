"""A video archive: videos with their media, captions made from these, and a cable channel that shows them."""
