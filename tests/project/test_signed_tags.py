"""The commands of docs/releases.md sign and verify a tag, word for word, with a key that is thrown away."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks
from tests.tools import program

BLOCKS = [block.text for block in blocks(ROOT / "docs" / "releases.md") if block.language == "sh"]
[KEY] = [text for text in BLOCKS if text.startswith("ssh-keygen")]
[CONFIGURE] = [text for text in BLOCKS if "git config user.signingkey" in text]
[SIGN] = [text for text in BLOCKS if "git tag --sign" in text]
[VERIFY] = [text for text in BLOCKS if "trusted-signers" in text]


@dataclass(frozen=True)
class Clone:
    """A clone, whose owner's HOME is a folder of the test."""

    tree: Path
    home: Path

    def run(self, commands: str) -> "subprocess.CompletedProcess[str]":
        """What becomes of the commands, each of which has to succeed."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        return subprocess.run(
            ["/bin/sh", "-euc", commands], cwd=self.tree, env=environment, capture_output=True, text=True, check=False
        )

    def succeeds(self, commands: str) -> str:
        """What the commands print."""
        done = self.run(commands)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def maintainer(tmp_path) -> Clone:
    """Has a key that may sign, and has released 0.1.0."""
    program("git")
    program("ssh-keygen")
    home, tree = tmp_path / "home", tmp_path / "tree"
    (home / ".ssh").mkdir(parents=True)
    (tree / ".ci").mkdir(parents=True)
    clone = Clone(tree, home)
    # Without a passphrase, since nobody is there to type it.
    clone.succeeds(f"{KEY.rstrip()} -q -N ''")
    clone.succeeds("git init -q --bare ../origin && git init -q && git remote add origin ../origin")
    clone.succeeds(CONFIGURE)
    clone.succeeds(SIGN.replace("0.2.0", "0.1.0"))
    return clone


@pytest.fixture
def operator(maintainer, tmp_path) -> Clone:
    """Runs 0.1.0."""
    (tmp_path / "operator").mkdir()
    clone = Clone(tmp_path / "operator" / "tree", tmp_path / "operator")
    maintainer.succeeds("git push -q origin HEAD && git clone -q ../origin ../operator/tree")
    return clone


def test_a_signed_release_is_verified(maintainer, operator):
    """With the signers of the release before."""
    maintainer.succeeds(f"git commit -q --allow-empty --message more\n{SIGN}")

    assert 'Good "git" signature for releases@example.org' in operator.succeeds(VERIFY)


def test_a_tag_of_another_key_is_refused(maintainer, operator):
    """Also if its own tree calls the key trusted."""
    maintainer.succeeds(f"rm $HOME/.ssh/* .ci/allowed-signers; {KEY.rstrip()} -q -N ''; {CONFIGURE}\n{SIGN}")

    done = operator.run(VERIFY)

    assert done.returncode != 0
    assert "No principal matched" in done.stderr


def test_a_tag_without_a_signature_is_refused(maintainer, operator):
    """As anybody makes it who can push."""
    maintainer.succeeds("git tag --annotate v0.2.0 --message 'Latchkey 0.2.0' && git push -q origin v0.2.0")

    assert operator.run(VERIFY).returncode != 0
