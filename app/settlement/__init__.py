"""Who owes whom between the stores: stored value taken here and spent there, points given here and redeemed there."""
