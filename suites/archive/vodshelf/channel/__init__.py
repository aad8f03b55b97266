"""A stand-in for a cable channel that belongs to somebody else, with troubles on command."""
