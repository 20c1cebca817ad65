"""The face for the back office and its integrations: staff with a token, roles and stores."""
