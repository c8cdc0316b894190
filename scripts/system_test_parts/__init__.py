"""What a server's life brings, scenario by scenario: the package in a booted container."""
