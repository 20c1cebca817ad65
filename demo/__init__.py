"""`make demo`: everything of the product on one machine, with a small chain of shops in it, until Ctrl-C."""
