"""Providers: from checked definitions to the services that hold them."""
