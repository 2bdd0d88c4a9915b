"""The house's own programs: what they may send, what they are answered, and the document that says so."""
