"""How fast is it, beside what this machine can do at all? `make bench`; docs/performance.md tells what came out."""
