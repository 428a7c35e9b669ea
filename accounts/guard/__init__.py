"""Protection against abuse: limits on attempts, and the record of what happened to each account."""
