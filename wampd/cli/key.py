"""``wampd key``: Ed25519 keys for the authentication method cryptosign."""

import os
import secrets
from pathlib import Path

from wampd.auth.keys import SEED_SIZE, SigningKey

from .proving import key_in
from .where import WrongError
from .words import complain

EXIT_FAILED = 1


def key(action: str, file: Path) -> int:
    """Make a key, or show one; print the public key; return the exit status."""
    try:
        public = _new(file) if action == "new" else key_in(file)
    except WrongError as why:
        complain(str(why))
        return EXIT_FAILED
    print(public.hex())
    return 0


def _new(file: Path) -> bytes:
    """Draw a key, and write its seed to a new file."""
    seed = secrets.token_bytes(SEED_SIZE)
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise WrongError(f"{file} is there already, and is not overwritten") from None
    except OSError as error:
        raise WrongError(f"cannot write {file}: {error.strerror}") from None
    with open(descriptor, "w") as stream:
        stream.write(f"{seed.hex()}\n")
        stream.flush()
        os.fsync(descriptor)
    return SigningKey(seed).public
