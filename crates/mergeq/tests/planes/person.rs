//! Whoever works beside the queue: branches and pushes, made with plain git straight in the remote.

use std::path::{Path, PathBuf};

use domain::Sha;
use forge::checks::CHECKS_FILE;
use forge::{Git, GitSettings};

use crate::content::{CHECKS, Content, MODULES, first_content, module, read_text, text_of};
use crate::workload::Edit;

pub(crate) struct Person {
    git: Git,
    remote: PathBuf,
    /// The repository's first commit.
    pub(crate) root: Sha,
}

impl Person {
    /// One with an empty remote in a directory, which gets the first commit.
    pub(crate) async fn with_new_remote(dir: &Path, settings: GitSettings) -> Self {
        let (git, remote) = (Git::open(settings).await.unwrap(), dir.join("remote.git"));
        let call = git.call("init", dir).args(["--bare", "--quiet", "--initial-branch=main"]);
        call.args([&remote]).text().await.unwrap();
        let content = first_content();
        let modules = (0..MODULES).map(module).map(|path| file(&path, &text_of(&content, &path)));
        let files = file(CHECKS_FILE, CHECKS) + &modules.collect::<String>();
        let root = import((&git, &remote), "main", None, &files).await;
        Self { git, remote, root }
    }

    /// Runs git in the remote.
    pub(crate) async fn git(&self, verb: &'static str, words: &[&str]) -> String {
        let call = self.git.call(verb, &self.remote).git_dir(&self.remote).args(words.iter().copied());
        call.text().await.unwrap_or_else(|error| panic!("git {verb} {words:?}: {error}"))
    }

    /// The commit at a name.
    pub(crate) async fn at(&self, name: &str) -> Sha {
        self.git("rev-parse", &[name]).await.parse().unwrap()
    }

    /// Writes lines on `base` and pushes the commit as a branch.
    pub(crate) async fn push(&self, branch: &str, base: &Sha, edits: &[Edit]) -> Sha {
        let mut content = Content::new();
        let mut paths: Vec<&str> = edits.iter().map(|edit| edit.spot.path.as_str()).collect();
        paths.dedup();
        for path in &paths {
            let text = match path.starts_with("src/") {
                true if *base == self.root => text_of(&first_content(), path),
                true => self.git("show", &[&format!("{base}:{path}")]).await,
                false => String::new(),
            };
            read_text(&mut content, path, &text);
        }
        content.extend(edits.iter().map(|edit| (edit.spot.clone(), edit.text.clone())));
        let files: String = paths.iter().map(|path| file(path, &text_of(&content, path))).collect();
        import((&self.git, &self.remote), branch, Some(base), &files).await
    }
}

/// Writes a commit straight into a remote, as the end of a branch.
async fn import((git, remote): (&Git, &Path), branch: &str, from: Option<&Sha>, files: &str) -> Sha {
    let from = from.map_or(String::new(), |from| format!("from {from}\n"));
    let who = "test <test@example.invalid> 1600000000 +0000";
    let message = format!("data {}\n{branch}\n", branch.len());
    let head = format!("commit refs/heads/{branch}\nmark :1\nauthor {who}\ncommitter {who}\n");
    let stream = format!("{head}{message}{from}{files}\nget-mark :1\ndone\n");
    let call = git.call("fast-import", remote).git_dir(remote).args(["--quiet", "--force", "--done"]);
    call.stdin(stream.into_bytes()).text().await.unwrap().parse().unwrap()
}

fn file(path: &str, text: &str) -> String {
    format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len())
}
