"""Files that every exported version carries, kept here as ordinary, checked modules."""
