"""An AI service of a product, as an example of one that uses a generated client (docs/clients.md).

It runs AI enhancements for many installations, does what the flags say (off, which model, how many tokens a day and a
request), and reports each run. The model is simulated, in the same process.
"""
