"""Platforms that do not sign their function calls bring a secret in a header. It is compared here, in constant time.

Without any key of any platform the gateway is a trial, and takes calls from this machine only. As soon as somebody has
one, nothing comes in without: behind a reverse proxy that names nobody, the world looks like this machine.
"""

import hmac
from collections.abc import Sequence

from starlette.types import Scope

from einmal.entrypoints.http.door import Refusal, from_this_machine
from einmal.tenancies import Credential, Tenancies


def check_secret(
    scope: Scope, given: str | None, tenancies: Tenancies, credential: Credential, *, loopback: bool
) -> str | None:
    """The secret that was given, if it is one; None in a trial on this machine. Raises Refusal."""
    secrets = tenancies.keys_of(credential)
    if not secrets:
        if tenancies.keyless and loopback and from_this_machine(scope):
            return None
        raise Refusal(401, "no_secret_set", f"set {_variable(credential)}: without it nothing comes in here")
    if given is None:
        raise Refusal(401, "secret_missing", f"send the secret of {_variable(credential)} in its header")
    # Every secret is compared, whatever the first says: the time taken tells nothing.
    same = [secret for secret in secrets if hmac.compare_digest(given.encode("latin-1"), secret.encode())]
    if not same:
        raise Refusal(401, "secret_wrong", f"the secret is none of those of {_variable(credential)}")
    return same[0]


def bearer(authorization: str | None) -> str | None:
    """The token of an Authorization header; None where it holds none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def refuse_unsigned(secrets: Sequence[str], credential: Credential) -> None:
    """What tells of its own accord is not taken without a secret, on this machine neither."""
    if not secrets:
        raise Refusal(401, "no_secret_set", f"set {_variable(credential)}: without it nothing comes in here")


def _variable(credential: Credential) -> str:
    secret = f"{credential.value}_secret"
    return f"EINMAL_{secret.upper()}"
