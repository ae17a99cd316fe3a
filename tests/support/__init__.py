"""What tests run for real: the sandbox, the dynamic-provider server and the Pulumi CLI."""
