"""What a run of chaos publishes, who takes the results, and the accounts and albums that it is about."""
