"""Mails: rendering, delivery to real servers, the worker, and what operators see of it."""
