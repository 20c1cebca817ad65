"""Events: sessions with seats, booked by members, and who was there."""
