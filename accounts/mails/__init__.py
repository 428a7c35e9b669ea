"""Mails: codes and links, a queue that holds nothing usable, templates and delivery."""
