"""Sign-in through providers."""
