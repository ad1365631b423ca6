"""The client library: what a node, an instance and a person say to a master over HTTPS."""
