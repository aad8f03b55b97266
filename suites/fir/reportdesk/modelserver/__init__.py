"""A stand-in for a model server that belongs to somebody else, with troubles on command."""
