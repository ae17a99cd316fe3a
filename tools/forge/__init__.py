"""What CI does on GitHub or GitLab: one comment, one issue, the plan that was reviewed. Needs nothing installed."""
