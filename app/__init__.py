"""The rules of the business, cut by feature; knows nothing of HTTP."""
