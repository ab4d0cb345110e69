//! What of a machine can change how a check ends, as a text that is the same only where all of it is.
//!
//! The programs that checks use are not read: what is looked at are the settings of the cage, which system it is, and when
//! its packages, the directories of programs and those of toolchains changed last. What escapes this (a server that
//! checks talk to, a toolchain that is changed in place) a person can say in the config; the rest is for the age of
//! verdicts and for those that are tested again.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::cage::CageSettings;

/// Files that say which system it is.
const OF_SYSTEM: [&str; 2] = ["/etc/os-release", "/proc/sys/kernel/osrelease"];
/// What changes with every package that is installed, removed or brought up to date: Debian's, Fedora's, Alpine's, Arch's.
const OF_PACKAGES: [&str; 4] =
    ["/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite", "/lib/apk/db/installed", "/var/lib/pacman/local"];
/// Directories within one toolchain that are looked at: the most that anybody's home of Rust, Node or Go has is ten.
const WITHIN_MAX: usize = 256;

/// The text for checks that run in such a cage, which is known to hold as `level` says.
pub(super) fn surroundings_of(settings: &CageSettings, level: &str) -> String {
    let CageSettings { confinement, namespaces, path, toolchains, env, limits, launcher: _, tail_bytes: _ } = settings;
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let mut text = format!("downbeat {}\n{os} {arch}\n{level}\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "{confinement:?} {namespaces:?} {path} {toolchains:?} {env:?} {limits:?}");
    for file in OF_SYSTEM {
        let _ = writeln!(text, "{file} {}", fs::read_to_string(file).unwrap_or_default());
    }
    let searched = env.get("PATH").unwrap_or(path).split(':').map(Path::new);
    for place in OF_PACKAGES.iter().map(Path::new).chain(searched) {
        note_change(&mut text, place);
    }
    for toolchain in toolchains {
        directories_in(toolchain).iter().for_each(|within| note_change(&mut text, within));
    }
    text
}

/// When something changed last, and where it really is: a link may lead to another version, which may be older.
fn note_change(text: &mut String, place: &Path) {
    if let (Ok(found), Ok(really)) = (fs::metadata(place), fs::canonicalize(place)) {
        let _ = writeln!(text, "{} {} {}.{}", place.display(), really.display(), found.mtime(), found.mtime_nsec());
    }
}

/// In order of their names. Those of a toolchain itself change whenever one of its programs makes a temporary file.
fn directories_in(toolchain: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(toolchain).into_iter().flatten().flatten().take(WITHIN_MAX);
    let mut within: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    within.sort();
    within
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_checks_find_around_them_is_told_apart() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("bin")).unwrap();
        let settings = CageSettings { toolchains: vec![home.path().to_owned()], ..CageSettings::default() };
        let before = surroundings_of(&settings, "strong");
        assert_eq!(before, surroundings_of(&settings, "strong"));
        assert_ne!(before, surroundings_of(&settings, "off"), "another cage");
        let mut other = settings.clone();
        other.env.insert("RUSTFLAGS".to_owned(), "-Dwarnings".to_owned());
        assert_ne!(before, surroundings_of(&other, "strong"), "another variable");
        fs::write(home.path().join("bin/cargo"), "").unwrap();
        assert_ne!(before, surroundings_of(&settings, "strong"), "another program in a toolchain");
    }
}
