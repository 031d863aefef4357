"""Reading lines of ink: separating the characters and recognizing them."""
