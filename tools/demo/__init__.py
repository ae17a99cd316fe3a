"""The demonstration: a sandbox, this repository's definitions applied to it, and an installation reading its flags."""
