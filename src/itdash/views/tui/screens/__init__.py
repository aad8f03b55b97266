"""What covers the dashboard for a while."""
