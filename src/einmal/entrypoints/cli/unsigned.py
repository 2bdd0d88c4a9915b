"""What `einmal serve` shouts at its start about calls that nobody vouches for."""

from einmal.tenancies import Credential, Tenancies


def unsigned_warnings(tenancies: Tenancies, *, loopback: bool) -> list[str]:
    """One line for each platform's calls that are taken without a key."""
    lines = []
    if tenancies.keyless:
        where = "and are taken from this machine only" if loopback else "and are REFUSED off loopback"
        lines.append(f"WARNING: EINMAL_RETELL_API_KEY is not set: function calls are not signed, {where}.")
    if tenancies.keyless and loopback:
        told = "those of Vapi and ElevenLabs need no secret on this machine until one is set, and /v1 no key"
        lines.append(f"WARNING: {told}.")
    webhooks, tools = tenancies.keys_of(Credential.ELEVENLABS_WEBHOOK), tenancies.keys_of(Credential.ELEVENLABS)
    if tools and not webhooks:
        lines.append("EINMAL_ELEVENLABS_WEBHOOK_SECRET is not set: nobody tells when an ElevenLabs call is over.")
    return lines
