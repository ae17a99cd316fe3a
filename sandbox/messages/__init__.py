"""Messages that leave the sandbox: what is to be sent, how it is sent, to this machine only, and what became of it."""
