//! Git for tests: nobody's settings, fixed people and dates, so that the same edits make the same commits everywhere.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file of a repository: its path and its text.
pub type FileText<'a> = (&'a str, &'a str);

/// The date of the first commit, in seconds since 1970 UTC: before any clock of a test.
const BEGINNING_S: u64 = 1_798_000_000;

/// A repository that the system under test works on from outside.
#[derive(Clone, Debug)]
pub struct RemoteRepository {
    path: PathBuf,
}

impl RemoteRepository {
    /// A bare repository whose `main` holds these files.
    pub fn bare(path: &Path, files: &[FileText<'_>]) -> Self {
        Self::init(path, &["--bare"], files)
    }

    /// Somebody's repository, with `main` checked out in its working tree.
    pub fn checked_out(path: &Path, files: &[FileText<'_>]) -> Self {
        let repository = Self::init(path, &[], files);
        repository.git(&["reset", "--quiet", "--hard"]);
        repository
    }

    fn init(path: &Path, how: &[&str], files: &[FileText<'_>]) -> Self {
        std::fs::create_dir_all(path).expect("a temporary directory can be filled");
        let repository = Self { path: path.to_owned() };
        repository.git(&[&["init", "--quiet", "--initial-branch=main"], how].concat());
        // Housekeeping costs a process a push, and keeps nothing that a test looks at.
        let mut config =
            OpenOptions::new().append(true).open(repository.git_dir().join("config")).expect("git made it");
        config.write_all(b"[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n").expect("a file can be written");
        repository.import("ana", "the sample", files, "");
        repository
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a commit onto `main` behind everybody's back, as a person with push rights does.
    pub fn commit(&self, author: &str, title: &str, files: &[FileText<'_>]) {
        self.import(author, title, files, "from refs/heads/main^0\n");
    }

    fn import(&self, author: &str, title: &str, files: &[FileText<'_>], from: &str) {
        let committer = format!("{author} <{author}@example.org> {BEGINNING_S} +0000");
        let mut stream = format!("commit refs/heads/main\ncommitter {committer}\n{}{from}", block(title));
        for (path, text) in files {
            let _ = write!(stream, "M 100644 inline {path}\n{}", block(text));
        }
        self.git_with(&["fast-import", "--quiet"], &stream);
    }

    fn git_dir(&self) -> PathBuf {
        let inner = self.path.join(".git");
        if inner.is_dir() { inner } else { self.path.clone() }
    }

    /// Puts it out of order in a way that may pass by itself: git of today does not know its format.
    pub fn break_down(&self) {
        let config = self.git_dir().join("config");
        std::fs::rename(&config, self.git_dir().join("config.whole")).expect("a file can be renamed");
        std::fs::write(&config, "[core]\n\trepositoryformatversion = 99\n").expect("a file can be written");
    }

    /// Puts it in order again.
    pub fn mend(&self) {
        let dir = self.git_dir();
        std::fs::rename(dir.join("config.whole"), dir.join("config")).expect("a file can be renamed");
    }

    /// Runs git in it; its output, or a panic with its complaint.
    pub fn git(&self, args: &[&str]) -> String {
        self.git_with(args, "")
    }

    fn git_with(&self, args: &[&str], input: &str) -> String {
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(&self.path)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", "/nonexistent");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("git is installed");
        let mut stdin = child.stdin.take().expect("it was asked for");
        // A git that reads nothing closes its end; that is its right.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("git ends");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The subjects of what is on a ref, newest first, with who wrote them.
    pub fn log(&self, reference: &str) -> String {
        self.git(&["log", "--format=%s (%an)", reference])
    }
}

fn block(text: &str) -> String {
    format!("data {}\n{text}\n", text.len())
}
