"""Estimates how hard a password is to guess, by zxcvbn.

The work grows with the square of the length, and with the number of words that digits and signs may stand for: 100 of
the worst take the library 5 s. So only the beginning is estimated. A password is at least as strong as its beginning,
so no weak one passes.
"""

from collections.abc import Iterable

LONGEST = 100
"""Characters that are estimated."""
MOST_WORK = 4 * LONGEST**2
"""Readings of the signs, times the square of the length: about as much work as the rest of the estimate. 25 characters
with all signs that stand for letters have 48 readings."""


def strength(password: str, personal: Iterable[str]) -> int:
    """The strength of the beginning of this password, from 0 to 4. `personal` are words that an attacker tries first.

    zxcvbn's own function keeps such words in a global, where another thread would find them.
    """
    # Imported here: its dictionaries take 13 MB, which a service does without if it does not ask for strength.
    from zxcvbn import matching, scoring, time_estimates  # noqa: PLC0415

    dictionaries = {**matching.RANKED_DICTIONARIES, "user_inputs": matching.build_ranked_dict(list(personal))}
    beginning = _affordable(password[:LONGEST])
    matches = matching.omnimatch(beginning, dictionaries)
    guesses = scoring.most_guessable_match_sequence(beginning, matches)["guesses"]
    return int(time_estimates.guesses_to_score(guesses))


def _affordable(password: str) -> str:
    """The longest beginning that takes at most MOST_WORK."""
    from zxcvbn import matching  # noqa: PLC0415

    seen: set[str] = set()
    readings = 1
    for place, character in enumerate(password):
        if character not in seen:
            seen.add(character)
            signs = matching.relevant_l33t_subtable("".join(seen), matching.L33T_TABLE)
            readings = len(matching.enumerate_l33t_subs(signs))
        if readings * (place + 1) ** 2 > MOST_WORK:
            return password[:place]
    return password
