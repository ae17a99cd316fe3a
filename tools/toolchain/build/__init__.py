"""The CLI built from its Go modules: only for machines that can't fetch Pulumi's release but reach package registries.

The official language host is in no module that can be had there; ours (see its main.go) is built beside the CLI.
"""
