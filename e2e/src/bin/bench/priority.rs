//! Going before the other processes of a machine that is not idle.

use std::io::IsTerminal as _;

use anyhow::{Context, Result};

/// Priority against other sessions and inside the own one: the kernel groups the processes of a session.
const NICE: i32 = -19;

/// Raises the priority of this process and of all that it starts. Needs root.
pub(crate) fn raise() -> Result<()> {
    // a session of its own, so that no other process rises with it; a terminal keeps its session, for Ctrl-C
    if !std::io::stdin().is_terminal() && !rustix::process::getsid(None).is_ok_and(is_own) {
        rustix::process::setsid().context("failed to start a session")?;
    }
    rustix::process::nice(NICE).context("failed to raise the priority")?;
    // kernels without groups by session have no such file
    match fs_err::write("/proc/self/autogroup", NICE.to_string()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("failed to raise the session's priority")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn is_own(session: rustix::process::Pid) -> bool {
    session == rustix::process::getpid()
}
