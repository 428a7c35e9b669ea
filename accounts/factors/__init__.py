"""Second factors and passkeys of an account: what is stored, and how an answer is checked."""
