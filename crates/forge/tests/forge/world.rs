//! A temporary home with a person's repository, its remote, and our mirror of that; git in it is hermetic.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::{BranchName, Sha, Timestamp};
use forge::{Candidate, Gate, GitSettings, MergeOrder, RepoSettings, Repositories, Repository, Signature, Style};
use tempfile::TempDir;

pub struct World {
    pub home: TempDir,
    pub program: PathBuf,
}

/// One world for each git program on the path.
pub fn worlds() -> impl Iterator<Item = World> {
    let path = std::env::var_os("PATH").unwrap();
    let programs: BTreeSet<PathBuf> =
        std::env::split_paths(&path).filter_map(|dir| dir.join("git").canonicalize().ok()).collect();
    assert!(!programs.is_empty(), "no git on the path");
    programs.into_iter().map(|program| World { home: TempDir::new().unwrap(), program })
}

impl World {
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn settings(&self) -> GitSettings {
        let mut settings = GitSettings::new(&self.program, self.path("git-home"));
        settings.env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        settings
    }

    /// Runs git as a person does, and returns what it printed.
    pub fn git(&self, dir: &Path, args: &[&str]) -> String {
        let (done, printed) = self.try_git(dir, args);
        assert!(done, "git {args:?} in {}: {printed}", dir.display());
        printed
    }

    pub fn try_git(&self, dir: &Path, args: &[&str]) -> (bool, String) {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(dir).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.home.path());
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Ana"),
            ("GIT_AUTHOR_EMAIL", "ana@example.org"),
            ("GIT_AUTHOR_DATE", "@1700000000 +0000"),
            ("GIT_COMMITTER_NAME", "Ana"),
            ("GIT_COMMITTER_EMAIL", "ana@example.org"),
            ("GIT_COMMITTER_DATE", "@1700000000 +0000"),
        ] {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// A bare remote with one commit on `main`, and Ana's clone of it.
    pub fn bare_remote(&self) -> (PathBuf, PathBuf) {
        let (bare, ana) = (self.path("remote.git"), self.path("ana"));
        self.git(self.home.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "remote.git"]);
        self.git(self.home.path(), &["clone", "--quiet", "remote.git", "ana"]);
        self.git(&ana, &["checkout", "--quiet", "-B", "main"]);
        self.commit(&ana, &[("readme", "one\ntwo\nthree\n")]);
        self.git(&ana, &["push", "--quiet", "origin", "main"]);
        (bare, ana)
    }

    /// A person's repository without a remote, with one commit on `main`, checked out.
    pub fn lone_repository(&self) -> PathBuf {
        self.git(self.home.path(), &["init", "--quiet", "--initial-branch=main", "lone"]);
        self.commit(&self.path("lone"), &[("readme", "one\ntwo\nthree\n")]);
        self.path("lone")
    }

    /// Writes files and commits all that is there.
    pub fn commit(&self, dir: &Path, files: &[(&str, &str)]) -> Sha {
        write(dir, files);
        self.git(dir, &["add", "--all"]);
        self.git(dir, &["commit", "--quiet", "--allow-empty", "--message", "a change"]);
        self.sha(dir, "HEAD")
    }

    /// Commits files on a new branch off `from`, and returns to where the person was.
    pub fn branch(&self, dir: &Path, name: &str, from: &Sha, files: &[(&str, &str)]) -> Sha {
        self.git(dir, &["checkout", "--quiet", "-b", name, from.as_str()]);
        let head = self.commit(dir, files);
        self.git(dir, &["checkout", "--quiet", "-"]);
        head
    }

    pub fn sha(&self, dir: &Path, name: &str) -> Sha {
        self.git(dir, &["rev-parse", "--verify", name]).parse().unwrap()
    }

    pub fn exists(&self, dir: &Path, reference: &str) -> bool {
        self.try_git(dir, &["rev-parse", "--quiet", "--verify", reference]).0
    }

    pub async fn repository(&self, remote: &Path) -> Repository {
        self.repository_on(remote.to_str().unwrap(), "main").await
    }

    pub async fn repository_on(&self, remote: &str, target: &str) -> Repository {
        self.repository_with(self.settings(), remote, target).await
    }

    /// A repository of whose git `script` runs before each push, when all that we look at was looked at.
    pub async fn meddled_repository(&self, remote: &Path, script: &str) -> Repository {
        let program = self.path("meddler");
        let git = self.program.display();
        let text =
            format!("#!/bin/sh\nif [ \"$1\" = push ]; then ( unset GIT_DIR; {script} ) >&2; fi\nexec '{git}' \"$@\"\n");
        std::fs::write(&program, text.replace("$GIT", &format!("'{git}'"))).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let settings = GitSettings { program, ..self.settings() };
        self.repository_with(settings, remote.to_str().unwrap(), "main").await
    }

    pub async fn repository_with(&self, settings: GitSettings, remote: &str, target: &str) -> Repository {
        let one = RepoSettings {
            name: "acme/web".parse().unwrap(),
            remote: remote.parse().unwrap(),
            target: branch(target),
            gate: Gate::Missing,
            github: None,
        };
        let opened = Repositories::open(&self.path("mirrors"), &[one], settings).await.unwrap();
        opened.iter().next().unwrap().clone()
    }

    /// Brings a branch of the person's repository into the mirror, as an agent's work would be.
    pub async fn bring(&self, repository: &Repository, dir: &Path, sha: &Sha) {
        let at = format!("{sha}:refs/downbeat/kept/{sha}");
        self.git(repository.mirror.path(), &["fetch", "--quiet", dir.to_str().unwrap(), &at]);
    }
}

pub fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

pub fn branch(name: &str) -> BranchName {
    name.parse().unwrap()
}

pub fn signature() -> Signature {
    Signature { name: "Downbeat".into(), email: "bot@example.org".into(), at: Timestamp::from_ms(1_700_000_000_999) }
}

pub fn order(base: &Sha, head: &Sha) -> MergeOrder {
    let (author, committer) = (signature(), signature());
    MergeOrder {
        base: base.clone(),
        head: head.clone(),
        style: Style::Squash,
        message: "fix it\n\nWhy.\n".into(),
        replayed: Vec::new(),
        author,
        committer,
    }
}

pub fn made(candidate: Candidate) -> Sha {
    match candidate {
        Candidate::Made { commit, .. } => commit,
        other => panic!("{other:?}"),
    }
}

/// Every file below `dir` with its content and mode, and where symbolic links point.
pub fn snapshot(dir: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            found.extend(snapshot(&path));
        } else if metadata.is_symlink() {
            let target = std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
            found.push((path, 0, target));
        } else {
            found.push((path.clone(), metadata.permissions().mode(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}
