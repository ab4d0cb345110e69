//! Names of repositories, branches and commits. A value of these types can be handed to git without a second look.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not what it should name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: {rule}")]
pub struct BadName {
    what: &'static str,
    text: String,
    rule: &'static str,
}

macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                let fits: fn(&str) -> bool = $fits;
                if fits(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadName { what: $what, text: text.to_owned(), rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_name! {
    /// A repository as people and the config name it, `web` or `acme/web`.
    RepoName, "a repository's name",
    "one or two parts of letters, digits, `.`, `-` or `_`, joined by `/`, none beginning with `.` or `-`",
    |text| text.len() <= 200 && text.split('/').count() <= 2 && text.split('/').all(is_plain_part)
}

checked_name! {
    /// A branch without its `refs/heads/`, by the rules of `git check-ref-format --branch`.
    BranchName, "a branch",
    "see `git help check-ref-format`: no space, control character, `..`, `@{`, `~^:?*[\\`, no part that begins with `.` or ends with `.lock`, no leading `-`",
    is_branch
}

checked_name! {
    /// A commit or tree by its full object id, 40 hexadecimal digits in lower case.
    Sha, "an object id", "40 hexadecimal digits in lower case",
    |text| text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl Sha {
    /// The first ten digits, as people are shown.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

fn is_plain_part(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with(['.', '-'])
        && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

fn is_branch(text: &str) -> bool {
    let forbidden = |c: char| c.is_ascii_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let part_fits = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !text.is_empty()
        && text.len() <= 200
        && text != "@"
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && !text.contains(forbidden)
        && text.split('/').all(part_fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_mislead_git_are_refused() {
        for bad in
            ["-x", "--upload-pack=x", "a..b", "a b", "refs/heads/../x", "a.lock", ".a", "a/", "a~1", "a\u{7}", "@"]
        {
            assert!(bad.parse::<BranchName>().is_err(), "{bad:?} was taken for a branch");
        }
        for good in ["main", "release/1.2", "wip@home", "größe"] {
            assert!(good.parse::<BranchName>().is_ok(), "{good:?} was refused as a branch");
        }
    }

    #[test]
    fn an_object_id_is_whole_or_nothing() {
        assert!("1234".parse::<Sha>().is_err());
        assert!("Z".repeat(40).parse::<Sha>().is_err());
        assert_eq!("a".repeat(40).parse::<Sha>().map(|s| s.short().to_owned()), Ok("a".repeat(10)));
    }
}
