//! Who serves the state directory now, and whether the page can be opened.

use std::fs::{File, TryLockError};
use std::path::Path;

use tokio::net::TcpListener;

use super::Site;
use super::finding::{Finding, Group};
use crate::control::wire::Welcome;

/// Who holds the state directory.
pub(super) fn holder(state: &Path, running: Option<&Welcome>) -> Finding {
    const GROUP: Group = Group::Machine;
    if let Some(welcome) = running {
        return Finding::ok(GROUP, format!("downbeat {} runs there as process {}", welcome.release, welcome.pid));
    }
    let lock = File::open(state.join("instance.lock"));
    match lock.map(|lock| lock.try_lock()) {
        Ok(Err(TryLockError::WouldBlock)) => Finding::warn(
            GROUP,
            format!("a process holds {} and does not answer", state.join("instance.lock").display()),
            "it may be starting or stopping; who it is tells `fuser`",
        ),
        Ok(Ok(()) | Err(TryLockError::Error(_))) | Err(_) => Finding::ok(GROUP, "no downbeat runs there now"),
    }
}

/// Tries the page and the release.
pub(super) async fn look(site: &Site) -> Vec<Finding> {
    const GROUP: Group = Group::Instance;
    if let Some(welcome) = &site.running {
        let mut findings =
            vec![Finding::ok(GROUP, format!("it answers on its control socket; its page is {}", welcome.page))];
        if welcome.release != env!("CARGO_PKG_VERSION") {
            let what = format!("it is release {}, and this program is {}", welcome.release, env!("CARGO_PKG_VERSION"));
            findings.push(Finding::warn(GROUP, what, "stop it and start it again: downbeat up"));
        }
        return findings;
    }
    let listen = site.config().web.listen;
    let is_chosen = site.installation.is_chosen("web.listen");
    vec![match TcpListener::bind(listen).await {
        Ok(_) => Finding::ok(GROUP, format!("the page can listen on {listen}")),
        Err(error) if is_chosen => {
            let what = format!("the page cannot listen on {listen}: {error}");
            Finding::fail(GROUP, what, "stop what listens there, or set another port as `web.listen`")
        }
        Err(error) => {
            let what = format!("the page cannot listen on {listen}: {error}; it will take any free port");
            Finding::warn(GROUP, what, "choose a port as `web.listen`")
        }
    }]
}
