"""Who is meant: rules about members as data, lists of members, tags, and what a segment was when it was used."""
