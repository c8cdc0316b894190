"""What `scripts/demo --cluster` is made of."""
