"""Sign-in through providers. The face is `api`."""
