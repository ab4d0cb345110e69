//! Values that may hold a password: where they come from, and how they are shown.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest secret that is read from a file: keys and certificates are shorter, a file named by mistake is not.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// What is shown of a secret.
pub const HIDDEN: &str = "***";

/// Reads a secret from a file, without the line's end that editors leave. The error names the file and never its text.
pub fn read_file(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("the file {} cannot be read: {error}", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("the file {} is longer than {} KiB", path.display(), FILE_BYTES_MAX >> 10));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("the file {} is not UTF-8", path.display()))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(text.to_owned())
}

/// An address without its password, `postgres://ana:***@host/db`. What could be one is hidden too: the user of a web
/// address, which is often a token, and everything after `?`.
pub fn shown(address: &str) -> String {
    let parts = Parts::of(address);
    let host = match parts.host.split_once('?') {
        Some((host, _)) => format!("{host}?***"),
        None => parts.host.to_owned(),
    };
    let known = match parts.known {
        None => String::new(),
        Some(_) if parts.is_web() => "***@".to_owned(),
        Some(known) => match known.split_once(':') {
            Some((user, _)) => format!("{user}:***@"),
            None => format!("{known}@"),
        },
    };
    format!("{}{known}{host}", parts.scheme)
}

/// Whether an address has a password written into it.
pub fn has_password(address: &str) -> bool {
    let parts = Parts::of(address);
    let known = parts.known.is_some_and(|known| parts.is_web() || known.contains(':'));
    let asked = parts.host.split_once('?').map_or("", |(_, asked)| asked);
    !parts.scheme.is_empty() && (known || asked.to_ascii_lowercase().contains("password="))
}

struct Parts<'a> {
    /// With its `://`; empty when there is none.
    scheme: &'a str,
    /// What stands before the last `@`.
    known: Option<&'a str>,
    /// Host, path and the rest.
    host: &'a str,
}

impl<'a> Parts<'a> {
    fn of(address: &'a str) -> Self {
        let scheme = address.find("://").map_or("", |at| &address[..at + 3]);
        let rest = &address[scheme.len()..];
        match rest.rsplit_once('@') {
            Some((known, host)) => Self { scheme, known: Some(known), host },
            None => Self { scheme, known: None, host: rest },
        }
    }

    fn is_web(&self) -> bool {
        self.scheme.starts_with("http")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (address, seen) in [
            ("postgres://ana:canary@host/db", "postgres://ana:***@host/db"),
            ("postgres://ana:can/canary@host/db", "postgres://ana:***@host/db"),
            ("postgres://ana:can?canary@host/db", "postgres://ana:***@host/db"),
            ("postgres://ana@host/db?password=canary", "postgres://ana@host/db?***"),
            ("https://canary@host/x.git", "https://***@host/x.git"),
            ("https://canary:x-oauth-basic@host/x.git", "https://***@host/x.git"),
            ("git@host:x.git", "git@host:x.git"),
            ("/srv/git/x.git", "/srv/git/x.git"),
            ("sqlite:/var/lib/downbeat.db", "sqlite:/var/lib/downbeat.db"),
        ] {
            assert_eq!(shown(address), seen);
            assert_eq!(has_password(address), address.contains("canary"), "{address}");
        }
    }

    #[test]
    fn a_secret_file_is_read_without_its_line_end_and_within_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (written, read) in
            [("canary\n", "canary"), ("canary\r\n", "canary"), ("canary", "canary"), ("a\n\n", "a\n")]
        {
            std::fs::write(&path, written).unwrap();
            assert_eq!(read_file(&path).as_deref(), Ok(read));
        }
        std::fs::write(&path, "canary".repeat(20_000)).unwrap();
        let why = read_file(&path).unwrap_err();
        assert_eq!(why, format!("the file {} is longer than 64 KiB", path.display()));
        std::fs::write(&path, b"canary\xff").unwrap();
        assert_eq!(read_file(&path), Err(format!("the file {} is not UTF-8", path.display())));
    }
}
