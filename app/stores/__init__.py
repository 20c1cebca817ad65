"""Where things happen: stores, their tills, and the keys their point-of-sale machines present."""
