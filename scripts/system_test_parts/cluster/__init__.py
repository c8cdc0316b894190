"""Two workers and a database, each in a container of its own."""
