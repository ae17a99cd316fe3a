"""A small Pulumi language host for Python, for machines whose CLI was built from its Go modules.

The official one comes with Pulumi's releases only. Where a release is installed that one runs, and not this.
"""
