//! Which hosts may be reached: the list of a config, its presets, and how a destination is held against it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Lists by one word, each with what it opens. `registries` are places from which packages are read and to which nobody
/// can write without an account of theirs; `github` is not among them, because whoever has an account there can be sent
/// anything (releases of a project on GitHub need it).
pub const PRESETS: &[(&str, &[&str])] = &[
    (
        "registries",
        &[
            "crates.io",
            "static.crates.io",
            "index.crates.io",
            "registry.npmjs.org",
            "pypi.org",
            "files.pythonhosted.org",
            "proxy.golang.org",
            "sum.golang.org",
            "repo.maven.apache.org",
            "repo1.maven.org",
            "rubygems.org",
            "index.rubygems.org",
            "deb.debian.org",
            "security.debian.org",
        ],
    ),
    (
        "github",
        &[
            "github.com",
            "api.github.com",
            "codeload.github.com",
            "raw.githubusercontent.com",
            "objects.githubusercontent.com",
            "release-assets.githubusercontent.com",
        ],
    ),
];

/// The port of a tunnel, which carries TLS.
const TUNNEL_PORT: u16 = 443;
/// The port of a plain request.
const PLAIN_PORT: u16 = 80;

/// A host, as a name in small letters or as an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// A name of letters, digits, `-`, `_` and `.`; other scripts in their `xn--` form.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Ok(address) = bracketed.unwrap_or(text).parse() {
            return Ok(Self::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // `127.1` and `0x7f000001` are addresses to a resolver.
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
        if name.len() > 253 || !name.split('.').all(is_label) || is_number {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(format!("`{shown}` is no host: write a name such as `example.org`, or an address"));
        }
        Ok(Self::Name(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Where a request wants to go, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub host: Host,
    pub port: u16,
    pub way: Way,
}

/// How a destination is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// CONNECT, then TLS.
    Tunnel,
    /// HTTP in the open.
    Plain,
}

impl Way {
    /// The port that is open without being listed.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Tunnel => TUNNEL_PORT,
            Self::Plain => PLAIN_PORT,
        }
    }
}

impl Destination {
    /// Of `host:port`; without a port it is that of the way.
    pub(super) fn of(authority: &str, way: Way) -> Result<Self, String> {
        let (host, port) = split_port(authority)?;
        Ok(Self { host: host.parse()?, port: port.unwrap_or(way.port()), way })
    }

    /// Whether a `Host` header means this destination; it may leave out the port.
    pub(super) fn is_meant_by(&self, header: &str) -> bool {
        let Ok((host, port)) = split_port(header) else { return false };
        host.parse().is_ok_and(|host: Host| host == self.host) && port.is_none_or(|port| port == self.port)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    // An address of the sixth version has colons of its own, and brackets when a port follows.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port),
        Some(_) | None => return Ok((text, None)),
    };
    let is_port = |port: &u16| *port != 0;
    let parsed = port.parse().ok().filter(is_port).filter(|_| port.bytes().all(|b| b.is_ascii_digit()));
    let shown: String = port.chars().filter(|c| !c.is_control()).take(16).collect();
    Ok((host, Some(parsed.ok_or_else(|| format!("`{shown}` is no port: a number from 1 to 65535"))?)))
}

/// The hosts that may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    One(Host),
    /// Every name below this one, and not itself.
    Below(String),
}

/// How firmly a destination stands on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// Not at all.
    No,
    /// By its name: it may be reached where it is a public address.
    ByName,
    /// With this very host and port: it may be reached wherever it is.
    Exactly,
}

impl AllowList {
    /// Of entries as the config has them: a preset, `example.org`, `*.example.org` for what is below it, and either with
    /// a port. Without a port it is 443 for TLS and 80 for plain requests. The error is for the person who wrote it.
    pub fn of<S: AsRef<str>>(entries: &[S]) -> Result<Self, String> {
        let rules = entries.iter().map(|entry| rules_of(entry.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { rules: rules.concat() })
    }

    /// The hosts of both lists.
    pub fn with(&self, other: &Self) -> Self {
        Self { rules: [&self.rules[..], &other.rules].concat() }
    }

    pub(super) fn holds(&self, wanted: &Destination) -> Listed {
        let of = |rule: &Rule| match &rule.hosts {
            Hosts::One(host) if *host == wanted.host => match rule.port {
                Some(port) if port == wanted.port => Listed::Exactly,
                None if wanted.way.port() == wanted.port => Listed::ByName,
                Some(_) | None => Listed::No,
            },
            Hosts::Below(parent) if is_below(&wanted.host, parent) => {
                if rule.port.unwrap_or(wanted.way.port()) == wanted.port { Listed::ByName } else { Listed::No }
            }
            Hosts::One(_) | Hosts::Below(_) => Listed::No,
        };
        let held: Vec<Listed> = self.rules.iter().map(of).collect();
        let first_of = |listed| held.contains(&listed).then_some(listed);
        first_of(Listed::Exactly).or(first_of(Listed::ByName)).unwrap_or(Listed::No)
    }
}

fn is_below(host: &Host, parent: &str) -> bool {
    match host {
        Host::Name(name) => name.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        Host::Address(_) => false,
    }
}

fn rules_of(entry: &str) -> Result<Vec<Rule>, String> {
    if let Some((_, hosts)) = PRESETS.iter().find(|(name, _)| *name == entry) {
        return hosts.iter().map(|host| rule_of(host)).collect();
    }
    if !entry.contains(['.', ':', '[']) && entry != "localhost" {
        let presets: Vec<_> = PRESETS.iter().map(|(name, _)| format!("`{name}`")).collect();
        let presets = presets.join(" and ");
        return Err(format!("`{entry}` is neither a host such as `example.org` nor a preset; presets are {presets}"));
    }
    Ok(vec![rule_of(entry)?])
}

fn rule_of(entry: &str) -> Result<Rule, String> {
    if entry.contains('/') {
        return Err(format!("`{entry}` is more than a host; write `example.org` or `example.org:8443`"));
    }
    let (host, port) = split_port(entry)?;
    let hosts = match host.strip_prefix("*.") {
        None if host.contains('*') => {
            return Err(format!("`{entry}`: a star stands for all names below a host, as in `*.example.org`"));
        }
        None => Hosts::One(host.parse()?),
        Some(parent) => match parent.parse()? {
            Host::Name(parent) if parent.contains('.') => Hosts::Below(parent),
            Host::Name(_) | Host::Address(_) => {
                return Err(format!("`{entry}` would open half the internet; write `*.example.org`"));
            }
        },
    };
    Ok(Rule { hosts, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(entries: &[&str], authority: &str, way: Way) -> Listed {
        AllowList::of(entries).unwrap().holds(&Destination::of(authority, way).unwrap())
    }

    #[test]
    fn a_host_is_open_on_its_usual_port_and_a_listed_port_alone() {
        for (entry, wanted, way, listed) in [
            ("example.org", "example.org:443", Way::Tunnel, Listed::ByName),
            ("Example.ORG.", "eXample.org.:443", Way::Tunnel, Listed::ByName),
            ("example.org", "example.org:22", Way::Tunnel, Listed::No),
            ("example.org", "example.org", Way::Plain, Listed::ByName),
            ("example.org", "example.org:80", Way::Tunnel, Listed::No),
            ("example.org:8443", "example.org:8443", Way::Tunnel, Listed::Exactly),
            ("example.org:8443", "example.org:443", Way::Tunnel, Listed::No),
            ("example.org", "www.example.org:443", Way::Tunnel, Listed::No),
            ("example.org", "example.org.evil.net:443", Way::Tunnel, Listed::No),
            ("*.example.org", "a.b.example.org:443", Way::Tunnel, Listed::ByName),
            ("*.example.org", "example.org:443", Way::Tunnel, Listed::No),
            ("*.example.org", "evilexample.org:443", Way::Tunnel, Listed::No),
            ("*.example.org:8443", "a.example.org:8443", Way::Tunnel, Listed::ByName),
            ("[::1]:9000", "[::1]:9000", Way::Plain, Listed::Exactly),
            ("127.0.0.1:9000", "127.0.0.1:9000", Way::Tunnel, Listed::Exactly),
            ("registries", "index.crates.io:443", Way::Tunnel, Listed::ByName),
            ("registries", "github.com:443", Way::Tunnel, Listed::No),
        ] {
            assert_eq!(held(&[entry], wanted, way), listed, "{entry} for {wanted}");
        }
        assert_eq!(held(&["example.org", "example.org:443"], "example.org:443", Way::Tunnel), Listed::Exactly);
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_to_write() {
        let refused = |entry: &str| AllowList::of(&[entry]).unwrap_err();
        for (entry, why) in [
            (
                "registres",
                "`registres` is neither a host such as `example.org` nor a preset; presets are `registries` and `github`",
            ),
            (
                "https://example.org/",
                "`https://example.org/` is more than a host; write `example.org` or `example.org:8443`",
            ),
            ("*.com", "`*.com` would open half the internet; write `*.example.org`"),
            ("a*.example.org", "`a*.example.org`: a star stands for all names below a host, as in `*.example.org`"),
            ("example.org:0", "`0` is no port: a number from 1 to 65535"),
            ("exämple.org", "`exämple.org` is no host: write a name such as `example.org`, or an address"),
            ("127.1", "`127.1` is no host: write a name such as `example.org`, or an address"),
        ] {
            assert_eq!(refused(entry), why);
        }
    }

    #[test]
    fn an_address_in_disguise_is_no_name() {
        for disguised in ["2130706433", "0x7f.1", "127.0.1", "0177.0.0.1", "a b", "", ".", "a..b", "-a.b", "%31.org"] {
            assert!(disguised.parse::<Host>().is_err(), "{disguised}");
        }
        assert!(matches!("[::ffff:10.0.0.1]".parse(), Ok(Host::Address(_))));
    }
}
