"""The services that the bench compares with: a small Django project each, as its documentation says.

Each runs in an environment of its own below `.bench/`, with the Python of ours. Nothing of Latchkey is imported here.
"""
