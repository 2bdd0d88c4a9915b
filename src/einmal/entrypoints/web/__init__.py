"""Pages for people: what happened in a call and why, what stands now, what a person can do about it."""
