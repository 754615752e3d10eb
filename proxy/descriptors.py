"""How many descriptors a process may have open: each connection takes one."""

import resource

# Beside the citizens' connections: those towards backends are far fewer, and the workers share them.
OTHERS = 1000


def allow(connections: int) -> str | None:
    """Raise this process's limit, which its children inherit, for so many connections; what to say if it cannot be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHERS
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard > 0 else wanted, hard))
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return None
    return (
        f"limits.connections: {connections} need {wanted} descriptors, and a process may have {hard}\n"
        f"    raise the limit (ulimit -Hn {wanted}, or LimitNOFILE= in systemd), or lower limits.connections"
    )
