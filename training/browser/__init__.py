"""The page that reads digits in the browser without a server, and its build."""
