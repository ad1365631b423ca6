"""What our commands have in common at a terminal: how they are found, and how things are shown."""
