"""Who the members are: profile, consent, phone number."""
