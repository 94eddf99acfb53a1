"""The bodies of requests and answers, one module a resource. Converted to and from the house's vocabulary at once."""
