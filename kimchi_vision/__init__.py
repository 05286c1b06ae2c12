"""Photo folders to a classifier you can trust."""
