"""Insights, dashboards, alerts, subscriptions, annotations, playlists."""
