"""What members pay less for: rules of discount as data, and the pricing of a bill by whatever may lower it."""
