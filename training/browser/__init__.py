"""The page that reads digits in the browser, without a server: its parts, and what builds it."""
