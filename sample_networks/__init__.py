"""Sites that run as they are, with the generators that made them."""
