//! One repository on GitHub, with its mirror and its forge.

use std::future::Future;
use std::sync::Arc;

use domain::{Clock, Sha};
use downbeat::clock::SystemClock;
use forge::github::forge::OnGitHub;
use forge::github::{Client, GitHubSettings, Identity};
use forge::{
    Candidate, Gate, GitSettings, MergeOrder, Offered, PullRequestDraft, Replayed, RepoSettings, Repositories,
    Repository, Signature, Style,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tests::git::RemoteRepository;
use tests::github::{GitHubServer, TOKEN};
use tokio::runtime::Runtime;

/// A place for one test.
pub struct Place {
    pub github: GitHubServer,
    pub remote: RemoteRepository,
    pub repository: Repository,
    runtime: Runtime,
    pub dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self::of(Identity::Token(SecretString::from(TOKEN)), |_| {})
    }

    /// One where we are this; `arrange` comes before anything is asked.
    pub fn of(identity: Identity, arrange: impl FnOnce(&GitHubServer)) -> Self {
        let dir = TempDir::new().unwrap();
        let remote = RemoteRepository::bare(&dir.path().join("web.git"), &[("README.md", "# Web\n")]);
        remote.git(&["config", "http.receivepack", "true"]);
        let github = GitHubServer::start(remote.path());
        arrange(&github);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let opened = runtime.block_on(open(&dir, &github, identity));
        Self { github, remote, repository: opened, runtime, dir }
    }

    /// As the forge speaks to it.
    pub fn client(&self) -> Client {
        let identity = Identity::Token(SecretString::from(TOKEN));
        let settings = GitHubSettings { api_url: self.github.api_url(), identity };
        self.now(async { Client::new(&settings, Arc::new(SystemClock)).unwrap() })
    }

    pub fn now<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A change of one file on the target as it is, as the commit of an agent; it is in the mirror.
    pub fn change(&self, file: &str) -> (Sha, Sha) {
        self.change_of(&[file])
    }

    /// As many commits as files.
    pub fn change_of(&self, files: &[&str]) -> (Sha, Sha) {
        let base = self.now(self.repository.forge.target_head()).unwrap();
        let work = self.dir.path().join(format!("work-{}", files.join("-")));
        let git = |args: &[&str]| {
            let dir = if work.exists() { work.as_path() } else { self.dir.path() };
            let mut command = std::process::Command::new("git");
            command.args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]).args(args).current_dir(dir);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["clone", "--quiet", self.remote.path().to_str().unwrap(), work.to_str().unwrap()]);
        for file in files {
            std::fs::write(work.join(file), format!("{file}\n")).unwrap();
            git(&["add", "."]);
            git(&["commit", "--quiet", "-m", &format!("add {file}")]);
        }
        let head = git(&["rev-parse", "HEAD"]);
        let mirror = self.repository.mirror.path().to_str().unwrap();
        git(&["push", "--quiet", mirror, &format!("HEAD:refs/downbeat/kept/{head}")]);
        (base, head.parse().unwrap())
    }

    pub fn draft(&self, branch: &str, head: &Sha) -> PullRequestDraft {
        let (title, body) = (format!("work of {branch}"), "Asked by ana.".to_owned());
        PullRequestDraft { branch: branch.parse().unwrap(), head: head.clone(), title, body }
    }

    /// Publishes it, and makes the commit that would land.
    pub fn offer(&self, branch: &str, head: &Sha, style: Style) -> (Sha, Offered) {
        self.now(self.repository.forge.publish(&self.draft(branch, head))).unwrap();
        let (branch, head, commit) = (branch.parse().unwrap(), head.clone(), head.clone());
        self.again(&Offered { branch, head, commit }, style)
    }

    /// The commit that would land on the target as it is now.
    pub fn again(&self, Offered { branch, head, .. }: &Offered, style: Style) -> (Sha, Offered) {
        let target = self.now(self.repository.forge.target_head()).unwrap();
        let signature =
            Signature { name: "Downbeat".to_owned(), email: "d@example.org".to_owned(), at: SystemClock.now() };
        let commit = self.now(made(&self.repository, (&target, head), style, &signature));
        (target, Offered { branch: branch.clone(), head: head.clone(), commit })
    }
}

async fn made(repository: &Repository, (base, head): (&Sha, &Sha), style: Style, by: &Signature) -> Sha {
    let branch = repository.mirror.branch(base, head).await.unwrap();
    let replayed = branch.commits.into_iter().map(|one| Replayed { message: one.message, commit: one.commit });
    let order = MergeOrder {
        base: base.clone(),
        head: head.clone(),
        style,
        message: "work\n".to_owned(),
        replayed: replayed.collect(),
        author: by.clone(),
        committer: by.clone(),
    };
    match repository.mirror.candidate(&order).await.unwrap() {
        Candidate::Made { commit, .. } => commit,
        other => panic!("{other:?}"),
    }
}

async fn open(dir: &TempDir, github: &GitHubServer, identity: Identity) -> Repository {
    let settings = GitHubSettings { api_url: github.api_url(), identity };
    let client = Client::new(&settings, Arc::new(SystemClock)).unwrap();
    let on = OnGitHub { client, repo: "acme/web".parse().unwrap(), labels: vec!["downbeat".to_owned()] };
    let one = RepoSettings {
        name: "web".parse().unwrap(),
        remote: github.remote().parse().unwrap(),
        target: "main".parse().unwrap(),
        gate: Gate::Missing,
        github: Some(on),
    };
    let git = GitSettings::new("git", dir.path().join("git-home"));
    let opened = Repositories::open(&dir.path().join("mirrors"), &[one], git).await.unwrap();
    opened.iter().next().unwrap().clone()
}
