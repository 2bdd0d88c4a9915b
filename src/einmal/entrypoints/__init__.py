"""The doors: HTTP and the command line. No decision about bookings is made here."""
