"""What one process remembers of who asks: how often, with which wrong secrets, with which signatures.

All of it is bounded, and gone when the process ends. Nothing here is needed for what is booked to be right: that stands
in the ledger. It keeps one who asks too much from taking everybody's turn.
"""
