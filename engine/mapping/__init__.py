"""What is wanted: the mapping language, from a file to frozen values, or all its problems."""
