"""What stands on the screen, one widget in each file."""
