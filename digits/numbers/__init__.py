"""Several digits in one line of ink, told apart and read."""
