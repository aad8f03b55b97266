"""Notices what is saved in a project, and plans what runs because of it."""
