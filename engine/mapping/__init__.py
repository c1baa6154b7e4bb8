"""What is wanted: the mapping language, from the text of a file to frozen values, or all its problems."""
