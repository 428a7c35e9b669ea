"""Mailed codes and links, as inputs and outputs share them."""
