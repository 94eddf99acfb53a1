"""The routes, one module a resource: what is asked is checked at the border, then it is the house's."""
