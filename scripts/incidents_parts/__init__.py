"""Each incident of docs/incidents: how it is provoked, what is seen of it, what settles it."""
