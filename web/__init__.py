"""HTTP plumbing that all faces share."""
