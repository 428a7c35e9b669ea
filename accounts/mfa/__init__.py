"""Second factors at sign-in: when one is asked for, how it is answered, and how it is set up."""
