"""The face for members' phones: what the mini-program asks, and what WeChat calls back."""
