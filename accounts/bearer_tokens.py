"""The former name of `accounts.tokens.api`, for code that imports it."""

import warnings

from accounts.tokens.api import *  # noqa: F403

warnings.warn("accounts.bearer_tokens is now accounts.tokens.api.", DeprecationWarning, stacklevel=2)
