"""The client that the example uses, generated from the samples."""
