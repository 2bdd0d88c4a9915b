"""The weekly report as people and programs read it: text, an e-mail, JSON. In English: operators read it."""
