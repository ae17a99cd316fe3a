"""Early access features and surveys."""
