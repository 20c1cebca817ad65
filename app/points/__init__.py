"""Points: by which rule they are earned, how long they last, what a member sees of them."""
