//! Git as a group of processes: how it is asked to end with all that it started, and killed when it does not.

use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::runtime::Handle;

/// Ends git and what it started (ssh, pack programs) when dropped before git was waited for. Once it was, its number
/// may belong to somebody else, so the leader is forgotten then.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    leader: Option<Pid>,
    signal: Signal,
    is_asked: bool,
}

impl ProcessGroup {
    pub(crate) fn of(child: &Child, signal: Signal) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Self { leader, signal, is_asked: false }
    }

    /// Ends the group; who does not go when asked is killed.
    pub(crate) async fn end(&mut self, child: &mut Child, within: Duration) {
        self.ask_to_end();
        let _ = tokio::time::timeout(within, child.wait()).await;
        self.kill();
    }

    fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            let _ = killpg(leader, Signal::SIGKILL);
        }
    }

    /// Asks once: a second time would cut git off while it takes its locks back.
    fn ask_to_end(&mut self) {
        if let Some(leader) = self.leader.filter(|_| !self.is_asked) {
            self.is_asked = true;
            let _ = killpg(leader, self.signal);
        }
    }

    /// The leader was waited for.
    pub(crate) fn forget(&mut self) {
        self.leader = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.ask_to_end();
    }
}

/// A git that somebody listens to. When they go before it has ended it is asked to end, and killed if it does not.
pub(crate) struct Heard {
    running: Option<(Child, ProcessGroup)>,
    end_limit: Duration,
}

impl Heard {
    /// Git takes its locks back when it is asked to end, and a lock that is left behind stops whoever comes next; so it
    /// has `end_limit` for it.
    pub(crate) fn of(child: Child, end_limit: Duration) -> Self {
        let group = ProcessGroup::of(&child, Signal::SIGTERM);
        Self { running: Some((child, group)), end_limit }
    }

    /// The process that is listened to.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.running.as_mut().expect("it is taken away at the end alone").0
    }

    /// Ends it now, within this time.
    pub(crate) async fn end(&mut self, within: Duration) {
        if let Some((child, group)) = &mut self.running {
            group.end(child, within).await;
        }
    }

    /// It was waited for.
    pub(crate) fn forget(&mut self) {
        if let Some((_, mut group)) = self.running.take() {
            group.forget();
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let (Some((mut child, mut group)), within) = (self.running.take(), self.end_limit) else { return };
        group.ask_to_end();
        // Where the runtime ends too, so does this: asking is all that can be done then.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            // What git started may end later than git. It is not waited for before, so that its number stays the group's.
            let _ = tokio::time::timeout(within, std::future::pending::<()>()).await;
            group.kill();
            child.wait().await
        });
    }
}
