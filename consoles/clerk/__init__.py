"""The till page: sign in, scan, sell, print."""
