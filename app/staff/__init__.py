"""Who works here: accounts, roles with the stores they hold in, sign-in sessions."""
