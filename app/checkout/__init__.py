"""The story at the till: a code is scanned, a sale is made."""
