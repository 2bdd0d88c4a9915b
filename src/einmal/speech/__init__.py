"""What is said and what is heard, German and English. Pure: the clock and the zone are handed in."""
