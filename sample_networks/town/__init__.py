"""The generator of the sample site: a town that does not exist, with the documented case in it."""
