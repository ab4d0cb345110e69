//! The address of a repository as the config names it, and how the address is found for a path that a person names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use domain::BranchName;

use crate::forge::ForgeError;
use crate::git::{Git, GitError};

/// Where a repository really lives. Shown without credentials, always.
#[derive(Clone)]
pub struct Remote {
    address: String,
    credentials: Option<Credentials>,
    /// Who knows what to log in with, where that is another thing each hour.
    keyring: Option<Arc<dyn Keyring>>,
}

/// Whoever knows what to log in to a remote with at the moment that it is needed.
#[async_trait]
pub trait Keyring: Send + Sync {
    /// For one call of git.
    async fn login(&self) -> Result<Login, ForgeError>;
}

/// A name and its password.
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// What an `https` address carried before its `@`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The whole address as it was given.
    given: String,
    /// Scheme and host; a redirect to another host gets nothing.
    pub(crate) scope: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

/// A text that is no address we speak to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a repository's address: {why}")]
pub struct BadRemote {
    text: String,
    why: &'static str,
}

impl Remote {
    /// The name under which [`crate::git::GitCall::remote`] makes an address known to git.
    pub const NAME: &'static str = "downbeat";

    fn open(address: &str) -> Self {
        Self { address: address.to_owned(), credentials: None, keyring: None }
    }

    /// The address without credentials.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address as it was given, with its credentials: for a config that only its owner reads.
    pub fn with_credentials(&self) -> &str {
        self.credentials.as_ref().map_or(&self.address, |known| &known.given)
    }

    /// The path of a repository on this machine.
    pub fn local_path(&self) -> Option<&Path> {
        let path = self.address.strip_prefix("file://").unwrap_or(&self.address);
        path.starts_with('/').then(|| Path::new(path))
    }

    /// The same remote, for which `keyring` is asked before each call. One that is not on the web, or that has its
    /// credentials in its address, is never asked about.
    pub fn with_keyring(self, keyring: Arc<dyn Keyring>) -> Self {
        let is_open = self.address.starts_with("http") && self.credentials.is_none();
        Self { keyring: is_open.then_some(keyring), ..self }
    }

    /// The same remote with what to log in with just now.
    pub async fn unlocked(&self) -> Result<Self, GitError> {
        let Some(keyring) = &self.keyring else { return Ok(self.clone()) };
        let Login { user, password } = keyring.login().await.map_err(|error| GitError::NoLogin(Box::new(error)))?;
        let (address, given) = (self.address.clone(), self.address.clone());
        let host_at = address.find("://").map_or(0, |at| at + 3);
        let end = address[host_at..].find('/').map_or(address.len(), |at| host_at + at);
        let scope = address[..end].to_owned();
        Ok(Self { address, credentials: Some(Credentials { given, scope, user, password }), keyring: None })
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        (&self.address, &self.credentials) == (&other.address, &other.credentials)
    }
}

impl Eq for Remote {}

impl FromStr for Remote {
    type Err = BadRemote;

    fn from_str(text: &str) -> Result<Self, BadRemote> {
        let refuse = |why| Err(BadRemote { text: redact(text), why });
        let before_slash = text.split('/').next().unwrap_or_default();
        if text.is_empty() || text.chars().any(char::is_control) {
            return refuse("it is empty or has control characters");
        }
        // Git takes a leading dash for an option, and `name::` for a program to run.
        if text.starts_with('-') || before_slash.contains("::") {
            return refuse("write an absolute path, an ssh or an https address");
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return match scheme {
                "http" | "https" => Ok(web_address(scheme, rest)),
                "ssh" if !rest.starts_with('-') => Ok(Self::open(text)),
                "file" if rest.starts_with('/') => Ok(Self::open(text)),
                _ => refuse("only absolute paths, ssh and https are spoken"),
            };
        }
        if text.starts_with('/') || before_slash.contains(':') {
            return Ok(Self::open(text));
        }
        refuse("write an absolute path, an ssh or an https address")
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.address))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({self})")
    }
}

/// A repository that a person named, with the branch that landings aim at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The repository's own directory: the root of its working tree, or the bare repository.
    pub top: PathBuf,
    /// The address to put into the config: the named repository's `origin`, or itself.
    pub remote: Remote,
    /// The target branch.
    pub target: BranchName,
}

/// Why a path that a person named cannot be worked with. The texts are for that person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// Nothing is there.
    #[error("there is nothing at {}", path.display())]
    NothingThere {
        /// As it was named.
        path: PathBuf,
    },
    /// Something is there, but no repository.
    #[error("{} is not a git repository; run `git init` there, or name another directory", path.display())]
    NotARepository {
        /// As it was named.
        path: PathBuf,
    },
    /// There is nothing to stand on yet.
    #[error("{remote} has no commits yet; make a first commit there")]
    NoCommits {
        /// Whose.
        remote: Remote,
    },
    /// The wanted branch is missing, or none was named and the repository has no usual one.
    #[error("{remote} has no branch {wanted}; it has {}", name_some(branches))]
    NoSuchBranch {
        /// Whose.
        remote: Remote,
        /// The branch, in backquotes, or what stands for it.
        wanted: String,
        /// The branches that are there.
        branches: Vec<String>,
    },
    /// The repository's `origin` is no address we speak to.
    #[error("failed to read the address of origin: {0}")]
    BadRemote(#[from] BadRemote),
    /// Git could not tell.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Decides what a person means who names `path` as a repository: its `origin` if it has one, else itself.
///
/// Without `target` the branch is the one that the remote's `HEAD` names; for a remote on the network that is what the
/// clone remembers of it, so that no network is needed. Nothing is changed anywhere.
pub async fn locate_repository(git: &Git, path: &Path, target: Option<&BranchName>) -> Result<Located, LocateError> {
    let root = tokio::fs::canonicalize(path).await.map_err(|_| LocateError::NothingThere { path: path.to_owned() })?;
    if !root.is_dir() {
        return Err(LocateError::NotARepository { path: path.to_owned() });
    }
    let top = find_top(git, &root).await?.ok_or_else(|| LocateError::NotARepository { path: path.to_owned() })?;
    let origin = git.call("config", &top).args(["--get", "remote.origin.url"]).run().await?;
    let address = match origin.code {
        Some(0) => made_absolute(String::from_utf8_lossy(&origin.stdout).trim(), &top),
        _ => top.display().to_string(),
    };
    let remote: Remote = address.parse()?;
    let remembered = match (target, remote.local_path()) {
        (None, None) => remembered_target(git, &top).await?,
        _ => None,
    };
    let target = match remembered {
        Some(remembered) => remembered,
        None => choose_target(git, &remote, target).await?,
    };
    Ok(Located { top, remote, target })
}

/// What a clone remembers of its origin's `HEAD`.
async fn remembered_target(git: &Git, top: &Path) -> Result<Option<BranchName>, GitError> {
    let asked = git.call("symbolic-ref", top).args(["--quiet", "refs/remotes/origin/HEAD"]).run().await?;
    let named = String::from_utf8_lossy(&asked.stdout);
    Ok(named.trim().strip_prefix("refs/remotes/origin/").and_then(|name| name.parse().ok()))
}

async fn find_top(git: &Git, dir: &Path) -> Result<Option<PathBuf>, GitError> {
    let asked = git.call("rev-parse", dir).args(["--absolute-git-dir", "--is-bare-repository"]).run().await?;
    if asked.code != Some(0) {
        let no_repository = asked.stderr.contains("not a git repository");
        return if no_repository { Ok(None) } else { Err(asked.failure("rev-parse")) };
    }
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    match said.trim().rsplit_once('\n') {
        Some((git_dir, "true")) => Ok(Some(PathBuf::from(git_dir))),
        _ => Ok(Some(PathBuf::from(git.call("rev-parse", dir).args(["--show-toplevel"]).text().await?))),
    }
}

async fn choose_target(git: &Git, remote: &Remote, target: Option<&BranchName>) -> Result<BranchName, LocateError> {
    let call = git.call("ls-remote", &git.settings().home).remote(remote);
    let listed = call.args(["--symref", Remote::NAME, "HEAD", "refs/heads/*"]).text().await?;
    let branches: Vec<String> =
        listed.lines().filter_map(|line| Some(line.split_once("\trefs/heads/")?.1.to_owned())).collect();
    if branches.is_empty() {
        return Err(LocateError::NoCommits { remote: remote.clone() });
    }
    let usual = listed.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
    let wanted = target.map(BranchName::as_str).or(usual);
    let found = wanted.filter(|wanted| branches.iter().any(|branch| branch == wanted));
    found.and_then(|name| name.parse().ok()).ok_or_else(|| LocateError::NoSuchBranch {
        remote: remote.clone(),
        wanted: wanted.map_or_else(|| "that its HEAD names".to_owned(), |name| format!("`{name}`")),
        branches,
    })
}

/// Puts `***` in place of what stands between `://` and `@` in every address within `text`.
pub(crate) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let authority = after.split(['/', ' ', '\'', '"', '\n']).next().unwrap_or_default();
        match authority.rfind('@') {
            Some(at) => {
                shown.push_str("***");
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    shown.push_str(rest);
    shown
}

fn web_address(scheme: &str, rest: &str) -> Remote {
    let authority = rest.split('/').next().unwrap_or_default();
    let Some((known, host)) = authority.rsplit_once('@') else {
        return Remote::open(&format!("{scheme}://{rest}"));
    };
    let (user, password) = known.split_once(':').unwrap_or((known, ""));
    let credentials = Credentials {
        given: format!("{scheme}://{rest}"),
        scope: format!("{scheme}://{host}"),
        user: percent_decoded(user),
        password: percent_decoded(password),
    };
    let address = format!("{scheme}://{}", &rest[known.len() + 1..]);
    Remote { address, credentials: Some(credentials), keyring: None }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(code) if *first == b'%' => {
                bytes.push(code);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Git takes a relative address for relative to the repository that holds it.
fn made_absolute(address: &str, top: &Path) -> String {
    let is_path = !address.contains("://") && !address.split('/').next().unwrap_or_default().contains(':');
    if !is_path {
        return address.to_owned();
    }
    let joined = top.join(address);
    joined.canonicalize().unwrap_or(joined).display().to_string()
}

/// The most branches that an error lists: as many as a person reads before they look for themselves.
const BRANCHES_NAMED_MAX: usize = 10;

fn name_some(branches: &[String]) -> String {
    let named: Vec<String> = branches.iter().take(BRANCHES_NAMED_MAX).map(|name| format!("`{name}`")).collect();
    match branches.len().saturating_sub(named.len()) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_run_programs_or_pass_for_options_are_refused() {
        for bad in [
            "",
            "ext::sh -c x",
            "--upload-pack=x",
            "git://host/x",
            "file://x",
            "ssh://-oProxyCommand=x/y",
            "web",
            "a\nb",
        ] {
            assert!(bad.parse::<Remote>().is_err(), "{bad:?} was taken for an address");
        }
        for good in ["/srv/x.git", "file:///srv/x.git", "git@host:x.git", "ssh://git@host/x", "https://host/x.git"] {
            assert_eq!(good.parse::<Remote>().map(|r| r.address().to_owned()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn credentials_leave_the_address_and_are_never_shown() {
        let remote: Remote = "https://ana:se%40cret@host:8443/acme/web.git".parse().unwrap();
        assert_eq!(remote.address(), "https://host:8443/acme/web.git");
        assert_eq!(remote.with_credentials(), "https://ana:se%40cret@host:8443/acme/web.git");
        assert_eq!(format!("{remote} {remote:?}").matches("cret").count(), 0);
        let known = remote.credentials().unwrap();
        assert_eq!(
            (known.scope.as_str(), known.user.as_str(), known.password.as_str()),
            ("https://host:8443", "ana", "se@cret")
        );
    }

    #[test]
    fn an_address_inside_a_text_loses_its_credentials() {
        assert_eq!(redact("a 'https://u:p@h/x' b ssh://git@h/y c"), "a 'https://***@h/x' b ssh://***@h/y c");
        assert_eq!(redact("mail ana@x, see https://h/@y"), "mail ana@x, see https://h/@y");
    }
}
