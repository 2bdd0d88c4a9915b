"""What became of a call, told to people: the same moments and words on a page and in a terminal."""
