"""Products that go with what a member bought: counted by night from what all of them bought, and picked for each."""
