"""Tests of what is stored of second factors, and of how an answer is checked."""
