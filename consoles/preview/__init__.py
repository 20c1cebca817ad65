"""The mini-program in a browser, for trying out: switched on by PREVIEW_SANDBOX_URL, else not there at all."""
