//! What every test of the performers stands on: a clock that is moved by hand, git without anybody's configuration, the
//! repository `web` on a remote that is a directory, and plain changes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Cause, Clock, EntryId, Sha, Timestamp};
use forge::{Gate, GitSettings, RepoSettings, Repositories};
use mergeq::queue::{Change, Company, Priority};

/// A clock that is moved by hand.
pub(crate) struct HandClock(pub(crate) AtomicI64);

impl Default for HandClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_700_000_000_000))
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }
}

/// Git below a directory, with a name of its own.
pub(crate) fn git_settings(dir: &Path) -> GitSettings {
    let mut settings = GitSettings::new("git", dir.join("home"));
    for who in ["AUTHOR", "COMMITTER"] {
        settings.env.push((format!("GIT_{who}_NAME"), "test".to_owned()));
        settings.env.push((format!("GIT_{who}_EMAIL"), "test@example.invalid".to_owned()));
    }
    settings
}

/// The repository `web`, whose remote is `remote.git` in the directory.
pub(crate) async fn open_repositories(dir: &Path, git: GitSettings) -> Repositories {
    let remote = dir.join("remote.git").display().to_string().parse().unwrap();
    let settings = RepoSettings {
        name: "web".parse().unwrap(),
        remote,
        target: "main".parse().unwrap(),
        gate: Gate::Missing,
        github: None,
    };
    Repositories::open(&dir.join("mirrors"), &[settings], git).await.unwrap()
}

/// A change that wants nothing special.
pub(crate) fn change(id: &str, head: Sha) -> Change {
    Change {
        id: EntryId::new(id),
        head,
        started_from: None,
        title: format!("change {id}"),
        requested_by: "ana".parse().unwrap(),
        approved_by: None,
        message: String::new(),
        company: Company::Any,
        priority: Priority::default(),
        is_repairable: false,
        depends_on: Vec::new(),
        lanes: BTreeSet::new(),
        branch: None,
    }
}

pub(crate) fn by_ana() -> Cause {
    Cause::Person("ana".parse().unwrap())
}
