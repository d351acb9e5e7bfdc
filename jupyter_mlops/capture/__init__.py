"""Objects in, records out: what is kept of a cell, never where it is kept."""
