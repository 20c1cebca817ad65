"""A stand-in WeChat: a separate process that the demo, the tests and the benchmarks talk to over HTTP.

It is our reading of the platform's documentation, not the platform's behaviour. See docs/sandbox.md.
Nothing here imports the product, so that the two can be checked against each other.
"""
