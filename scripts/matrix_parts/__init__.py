"""The matrix of releases: what depends on a broker, a library or a database, on each Debian that has another one."""
