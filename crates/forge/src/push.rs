//! One ref of the remote, moved if it still is where we saw it.

use domain::Sha;

use crate::forge::ForgeError;
use crate::git::GitOutput;
use crate::mirror::Mirror;
use crate::remote::Remote;

/// A push of one ref under a lease.
pub(crate) struct Push<'a> {
    /// The full name of the ref.
    pub(crate) reference: &'a str,
    /// Where it has to be; `None` means that it must not exist.
    pub(crate) expected: Option<&'a Sha>,
    /// Where it shall be; `None` removes it.
    pub(crate) to: Option<&'a Sha>,
}

/// How a push ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// The ref is where it shall be.
    Done,
    /// The ref was not where we had seen it, or was being moved, or is checked out by now. Nothing was changed.
    Stale,
    /// The remote said no.
    Refused {
        /// With the words of its hook, if it had one.
        why: String,
    },
}

impl Push<'_> {
    /// Pushes. An error means that the remote did not answer as a remote does.
    pub(crate) async fn run(&self, mirror: &Mirror) -> Result<Pushed, ForgeError> {
        if let Ok(Some(pushed)) = mirror.push_plainly(self).await {
            return Ok(pushed);
        }
        let expected = self.expected.map_or("", Sha::as_str);
        let lease = format!("--force-with-lease={}:{expected}", self.reference);
        let update = format!("{}:{}", self.to.map_or("", Sha::as_str), self.reference);
        let mut call = mirror.call("push").remote(&mirror.remote().unlocked().await?);
        call = call.args(["--porcelain", "--atomic", "--no-verify", "--no-signed", lease.as_str()]);
        if mirror.remote().local_path().is_some() {
            call = call.args([format!("--receive-pack={}", careful_receiver(mirror))]);
        }
        let output = call.args([Remote::NAME, update.as_str()]).run().await?;
        outcome(&output)
    }
}

/// A repository may be configured to update its checked-out files when their branch is pushed to. Whatever it says, and
/// whatever is checked out between our look and our push, a push of ours is refused then.
fn careful_receiver(mirror: &Mirror) -> String {
    let program = mirror.git().settings().program.display().to_string().replace('\'', r"'\''");
    format!("'{program}' -c receive.denyCurrentBranch=refuse -c receive.denyDeleteCurrent=refuse receive-pack")
}

/// Words of git for a race that was lost: its own lease check, the remote's compare-and-swap or lock, and a branch that
/// was checked out in the meantime.
const STALE: &[&str] =
    &["stale info", "atomic transaction failed", "failed to update ref", "branch is currently checked out"];
/// The same answers are given where a branch `a` stands in the way of `a/b`, which will not pass by itself.
const IN_THE_WAY: &str = "cannot create";

fn outcome(output: &GitOutput) -> Result<Pushed, ForgeError> {
    if output.code == Some(0) {
        return Ok(Pushed::Done);
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    // A refused ref is printed as `!`, tab, `from:to`, tab, `[rejected] (why)`.
    let Some(refusal) = printed.lines().find_map(|line| line.strip_prefix("!\t")?.split('\t').nth(1)) else {
        return Err(ForgeError::from(output.failure("push")));
    };
    let is_stale = STALE.iter().any(|words| refusal.contains(words));
    if is_stale && !output.stderr.contains(IN_THE_WAY) {
        return Ok(Pushed::Stale);
    }
    let said: Vec<&str> =
        output.stderr.split("; ").filter_map(|line| line.strip_prefix("remote:")).map(str::trim).collect();
    let why = if said.is_empty() { refusal.to_owned() } else { format!("{refusal}: {}", said.join("; ")) };
    Ok(Pushed::Refused { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(stdout: &str, stderr: &str) -> Result<Pushed, ForgeError> {
        outcome(&GitOutput { code: Some(1), stdout: stdout.into(), stderr: stderr.to_owned() })
    }

    #[test]
    fn a_lost_race_is_no_refusal() {
        let line = "To /x\n!\ta:refs/heads/main\t[rejected] (stale info)\nDone\n";
        assert_eq!(pushed(line, "error: failed to push some refs"), Ok(Pushed::Stale));
    }

    #[test]
    fn a_hook_is_quoted_in_its_own_words() {
        let line = "To /x\n!\ta:refs/heads/main\t[remote rejected] (pre-receive hook declined)\nDone\n";
        let why = "[remote rejected] (pre-receive hook declined): frozen until Monday".to_owned();
        assert_eq!(pushed(line, "remote: frozen until Monday; error: failed"), Ok(Pushed::Refused { why }));
    }

    #[test]
    fn a_remote_that_is_not_reached_is_transient() {
        let reached = pushed("", "ssh: Could not resolve hostname x; fatal: Could not read from remote repository.");
        assert!(matches!(reached, Err(ForgeError::Transient { .. })), "{reached:?}");
    }
}
