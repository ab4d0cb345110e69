//! Whoever works beside the queue: branches and pushes, made with plain git straight in the remote.

use std::path::{Path, PathBuf};

use domain::Sha;
use forge::checks::CHECKS_FILE;
use forge::{Git, GitSettings};

use crate::content::{CHECKS, Content, first_content, read_text, text_of};
use crate::workload::Edit;

pub(crate) struct Person {
    git: Git,
    remote: PathBuf,
}

impl Person {
    /// One with an empty remote in a directory, which gets the first commit.
    pub(crate) async fn with_new_remote(dir: &Path, settings: GitSettings) -> Self {
        let person = Self::at_remote(dir, settings).await;
        let remote = person.remote.display().to_string();
        let call = person.git.call("init", dir).args(["--bare", "--quiet", "--initial-branch=main", &remote]);
        call.text().await.unwrap();
        let content = first_content();
        let mut files = file(CHECKS_FILE, CHECKS);
        for n in 0..crate::content::MODULES {
            let path = crate::content::module(n);
            files += &file(&path, &text_of(&content, &path));
        }
        person.import("main", None, &files).await;
        person
    }

    /// One who knows the remote in a directory.
    pub(crate) async fn at_remote(dir: &Path, settings: GitSettings) -> Self {
        Self { git: Git::open(settings).await.unwrap(), remote: dir.join("remote.git") }
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

    /// The repository's first commit.
    pub(crate) async fn root(&self) -> Sha {
        self.git("rev-list", &["--max-parents=0", "main"]).await.parse().unwrap()
    }

    /// Writes lines on `base` and pushes the commit as a branch.
    pub(crate) async fn push(&self, branch: &str, base: &Sha, edits: &[Edit]) -> Sha {
        let mut content = Content::new();
        let mut paths: Vec<&str> = edits.iter().map(|edit| edit.spot.path.as_str()).collect();
        paths.dedup();
        for path in &paths {
            if path.starts_with("src/") {
                let text = self.git("show", &[&format!("{base}:{path}")]).await;
                read_text(&mut content, path, &text);
            }
        }
        content.extend(edits.iter().map(|edit| (edit.spot.clone(), edit.text.clone())));
        let files: String = paths.iter().map(|path| file(path, &text_of(&content, path))).collect();
        self.import(branch, Some(base), &files).await;
        self.at(&format!("refs/heads/{branch}")).await
    }

    async fn import(&self, branch: &str, from: Option<&Sha>, files: &str) {
        let from = from.map_or(String::new(), |from| format!("from {from}\n"));
        let who = "test <test@example.invalid> 1600000000 +0000";
        let message = format!("data {}\n{branch}\n", branch.len());
        let stream =
            format!("commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\n{message}{from}{files}\ndone\n");
        let call = self.git.call("fast-import", &self.remote).git_dir(&self.remote);
        call.args(["--quiet", "--force", "--done"]).stdin(stream.into_bytes()).text().await.unwrap();
    }
}

fn file(path: &str, text: &str) -> String {
    format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len())
}
