"""How members are recognised: logging in through a chat app, and the sessions that follow."""
