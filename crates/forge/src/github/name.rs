//! The name of a repository on GitHub.

use std::fmt;
use std::str::FromStr;

use crate::remote::Remote;

/// `acme/web`: who owns a repository, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitHubRepo {
    /// A person or an organization.
    pub owner: String,
    /// The repository.
    pub name: String,
}

/// A text that names no repository on GitHub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no repository on GitHub; write OWNER/NAME, as in its address")]
pub struct BadGitHubRepo(String);

impl GitHubRepo {
    /// The repository that a remote on this host is, `github.com` or that of a GitHub Enterprise.
    pub fn of(remote: &Remote, host: &str) -> Option<Self> {
        let address = remote.address();
        let rest = match address.split_once("://") {
            Some((_, rest)) => rest.split_once('/').and_then(|(place, path)| is_at(place, host).then_some(path)),
            None => address.split_once(':').and_then(|(place, path)| is_at(place, host).then_some(path)),
        }?;
        rest.trim_matches('/').strip_suffix(".git").unwrap_or(rest.trim_matches('/')).parse().ok()
    }
}

/// Whether `git@github.com:22` is at `github.com`.
fn is_at(place: &str, host: &str) -> bool {
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let name = place.split_once(':').map_or(place, |(name, _)| name);
    name.eq_ignore_ascii_case(host)
}

impl FromStr for GitHubRepo {
    type Err = BadGitHubRepo;

    /// Names that cannot stand in a path are refused, so that no name reaches another route.
    fn from_str(text: &str) -> Result<Self, BadGitHubRepo> {
        let is_word = |word: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !word.is_empty() && word != "." && word != ".." && word.chars().all(is_plain)
        };
        match text.split_once('/') {
            Some((owner, name)) if is_word(owner) && is_word(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(BadGitHubRepo(text.to_owned())),
        }
    }
}

impl fmt::Display for GitHubRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_on_the_host_is_known_in_every_form() {
        for (address, name) in [
            ("https://github.com/acme/web.git", Some("acme/web")),
            ("https://x:y@GitHub.com/acme/web", Some("acme/web")),
            ("git@github.com:acme/web.git", Some("acme/web")),
            ("ssh://git@github.com:22/acme/web.git", Some("acme/web")),
            ("https://github.com/acme/web/", Some("acme/web")),
            ("https://github.com.evil.org/acme/web.git", None),
            ("https://github.com/acme", None),
            ("/srv/github.com/acme/web.git", None),
        ] {
            let found = GitHubRepo::of(&address.parse().unwrap(), "github.com");
            assert_eq!(found.map(|repo| repo.to_string()).as_deref(), name, "{address}");
        }
    }

    #[test]
    fn a_name_cannot_lead_to_another_route() {
        for bad in ["acme", "acme/..", "acme/web/pulls", "ac me/web", "/web", "acme/web?x=1", ""] {
            assert!(bad.parse::<GitHubRepo>().is_err(), "{bad:?}");
        }
    }
}
