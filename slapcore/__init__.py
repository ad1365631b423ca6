"""What node, client and master share: wire forms, words for states, named errors."""
