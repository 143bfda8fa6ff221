"""`exchange watch`: a market in a terminal, from a book that the client keeps and verifies."""
