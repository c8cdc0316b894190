// Room laid out; see Package.swift.
