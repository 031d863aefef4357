"""From any picture to the ink of its digits, line by line."""
