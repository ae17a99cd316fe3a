"""Gets a checkout ready to work: its virtual environment, the Pulumi CLI, the shell's variables.

Run with the machine's own Python before anything is installed, so the standard library is all it may use.
"""
