"""Change of the e-mail address."""
