//! Reads the report that a check left in its copy of the tree: the names of the tests that failed, in JUnit's XML.
//!
//! Whoever ran there may have put anything in its place: a link, a pipe, a giant, a document that unfolds without end. No
//! link is followed, no entity is expanded, and everything has a limit. A report only tells people more; no verdict
//! depends on it.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::policy::Globs;
use forge::FailedTests;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// The largest report. One of 10,000 tests with their output takes about 5 MB.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// The most reports of one check: Java's runners write one for each class.
const FILES_MAX: usize = 1_000;
/// The most files and directories that are looked at below where a pattern begins to vary.
const LOOKED_AT_MAX: usize = 50_000;
/// The most elements within each other. JUnit's own form has five.
const DEPTH_MAX: usize = 64;
/// Characters of one test's name that are kept: the longest that people write are about half of it.
const NAME_CHARS_MAX: usize = 200;

/// What the reports of one check say, and what hindered their reading.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reported {
    pub failed: FailedTests,
    /// For the log: what a person should know who wonders where the names are.
    pub troubles: Vec<String>,
}

/// Reads what matches `pattern` below `tree`, in which nothing runs any more.
pub(super) fn read_reports(tree: &Path, pattern: &str) -> Reported {
    let mut reported = Reported::default();
    let files = match files_matching(tree, pattern) {
        Ok(files) => files,
        Err(why) => return Reported { troubles: vec![why], ..reported },
    };
    if files.is_empty() {
        reported.troubles.push(format!("it left no report at {pattern}"));
    }
    let mut names = BTreeSet::new();
    for file in &files {
        let read = text_of(&tree.join(file)).map_err(|error| error.to_string());
        if let Err(why) = read.and_then(|text| add_failed(&text, &mut names)) {
            reported.troubles.push(format!("its report {} cannot be read: {why}", file.display()));
        }
    }
    reported.failed = FailedTests::of(names);
    reported
}

/// The files, as paths below the tree, in order.
fn files_matching(tree: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let globs = Globs::new(&[pattern]).map_err(|bad| bad.to_string())?;
    let parts: Vec<&str> = pattern.split('/').collect();
    let n_fixed = parts.iter().take_while(|part| !part.contains(['*', '?', '[', '{', '\\'])).count();
    let fixed: PathBuf = parts[..n_fixed].iter().collect();
    let mut way = parts[..n_fixed].iter().scan(tree.to_owned(), |place, part| {
        place.push(part);
        Some(place.clone())
    });
    if way.any(|place| is_link(&place)) {
        return Err(format!("a link stands on the way to {pattern}, and none is followed"));
    }
    let (mut found, mut waiting, mut n_seen) = (Vec::new(), vec![fixed], 0);
    while let Some(place) = waiting.pop() {
        n_seen += 1;
        if n_seen > LOOKED_AT_MAX || found.len() > FILES_MAX {
            return Err(format!("too much stands where {pattern} may be; name the directory of its reports"));
        }
        match fs::symlink_metadata(tree.join(&place)) {
            Ok(what) if what.is_dir() => {
                let inside = fs::read_dir(tree.join(&place)).into_iter().flatten().flatten();
                waiting.extend(inside.take(LOOKED_AT_MAX).map(|entry| place.join(entry.file_name())));
            }
            Ok(what) if what.is_file() && place.to_str().is_some_and(|name| globs.matching(name).is_some()) => {
                found.push(place);
            }
            Ok(_) | Err(_) => {}
        }
    }
    found.sort();
    Ok(found)
}

fn is_link(place: &Path) -> bool {
    fs::symlink_metadata(place).is_ok_and(|what| what.is_symlink())
}

fn text_of(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if found.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {} MB", FILE_BYTES_MAX >> 20)));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds the tests that have a `failure` or an `error`.
fn add_failed(text: &str, names: &mut BTreeSet<String>) -> Result<(), String> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut depth, mut test) = (0, None);
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(element) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(format!("its elements are nested more than {DEPTH_MAX} deep"));
                }
                note_element(&element, &mut test, names);
            }
            Event::Empty(element) => note_element(&element, &mut test, names),
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                if element.local_name().into_inner() == "testcase" {
                    test = None;
                }
            }
            Event::DocType(_) => return Err("it has a document type, which no report needs".to_owned()),
            Event::Eof if depth > 0 => return Err("it ends in the middle".to_owned()),
            Event::Eof => return Ok(()),
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

fn note_element(element: &BytesStart<'_>, test: &mut Option<String>, names: &mut BTreeSet<String>) {
    match element.local_name().into_inner() {
        "testcase" => *test = name_of(element),
        "failure" | "error" => names.extend(test.take()),
        _ => {}
    }
}

/// `class.name`; the name alone where it is a path by itself, as Rust's runners write it.
fn name_of(testcase: &BytesStart<'_>) -> Option<String> {
    let attribute = |key: &str| {
        let found = testcase.try_get_attribute(key).ok().flatten()?;
        let value = found.normalized_value(XmlVersion::Implicit1_0).unwrap_or(found.value.clone());
        let words = value.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
        let value = words.collect::<Vec<_>>().join(" ");
        (!value.is_empty()).then_some(value)
    };
    let name = attribute("name")?;
    let whole = match attribute("classname") {
        Some(class) if !name.contains("::") && !name.starts_with(&class) => format!("{class}.{name}"),
        Some(_) | None => name,
    };
    Some(whole.chars().take(NAME_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }

    fn read(text: &str) -> Reported {
        read_reports(tree(&[("r.xml", text)]).path(), "r.xml")
    }

    fn named(names: &[&str]) -> Reported {
        let failed = FailedTests { named: names.iter().map(ToString::to_string).collect(), more: 0 };
        Reported { failed, ..Reported::default() }
    }

    const NEXTEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="run" tests="3" failures="1" errors="0">
          <testsuite name="mergeq" tests="3">
            <testcase name="queue::tests::a" classname="mergeq" time="0.1"/>
            <testcase name="queue::tests::b" classname="mergeq"><failure type="test failure">x &lt; y</failure>
              <system-err>thread panicked</system-err></testcase>
            <testcase name="queue::tests::c" classname="mergeq"><flakyFailure/></testcase>
          </testsuite>
        </testsuites>"#;
    const PYTEST: &str = r#"<testsuite><testcase classname="tests.test_hall" name="test_wall[a&amp;b&#10;c]">
        <failure message="assert"/></testcase><testcase classname="t" name="e"><error/></testcase>
        <testcase classname="t" name="ok"><skipped/></testcase></testsuite>"#;

    #[test]
    fn failed_tests_are_named_as_their_runner_names_them() {
        assert_eq!(read(NEXTEST), named(&["queue::tests::b"]));
        assert_eq!(read(PYTEST), named(&["t.e", "tests.test_hall.test_wall[a&b c]"]));
        assert_eq!(read("<testsuites/>"), named(&[]));
    }

    #[test]
    fn many_are_counted_and_long_names_are_cut() {
        let test = |n: usize| format!("<testcase name='{n:03}{}'><failure/></testcase>", "x".repeat(300));
        let text = format!("<s>{}</s>", (0..50).map(test).collect::<String>());
        let Reported { failed, troubles } = read(&text);
        assert_eq!(
            (failed.named.len(), failed.more, troubles.len()),
            (FailedTests::NAMED_MAX, 50 - FailedTests::NAMED_MAX, 0)
        );
        assert_eq!(failed.named[0].chars().count(), NAME_CHARS_MAX);
    }

    #[test]
    fn a_hostile_report_tells_nothing_and_says_why() {
        let laughs =
            "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><s><testcase name='&b;'><error/></testcase></s>";
        let outside = "<!DOCTYPE l [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><s/>";
        let deep = "<a>".repeat(100);
        for (text, why) in [
            (laughs, "it has a document type"),
            (outside, "it has a document type"),
            (&deep, "its elements are nested more than 64 deep"),
            ("<s><testcase name='a'><failure/>", "it ends in the middle"),
            ("<s></t>", ""),
            ("\u{0}\u{1}", ""),
        ] {
            let Reported { troubles, .. } = read(text);
            let expected = if text.starts_with('\u{0}') { 0 } else { 1 };
            assert_eq!(troubles.len(), expected, "{text}: {troubles:?}");
            assert!(
                troubles.iter().all(|said| said.starts_with("its report r.xml cannot be read: ") && said.contains(why))
            );
        }
        assert_eq!(read("<s><testcase name='&unknown;'><error/></testcase></s>"), named(&["&unknown;"]));
    }

    #[test]
    fn what_is_no_plain_file_within_the_tree_is_not_read() {
        let outside = tree(&[("r.xml", NEXTEST)]);
        let tree = tree(&[("deep/er/TEST-a.xml", NEXTEST), ("deep/TEST-b.xml", PYTEST), ("deep/other.xml", "no")]);
        std::os::unix::fs::symlink(outside.path(), tree.path().join("linked")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("r.xml"), tree.path().join("link.xml")).unwrap();
        nix::unistd::mkfifo(&tree.path().join("pipe.xml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let said = |pattern: &str| {
            let Reported { failed, troubles } = read_reports(tree.path(), pattern);
            [failed.named, troubles].concat().join("; ")
        };
        expect_test::expect![[r#"
            deep/**/TEST-*.xml: queue::tests::b; t.e; tests.test_hall.test_wall[a&b c]
            **/TEST-a.xml: queue::tests::b
            linked/r.xml: a link stands on the way to linked/r.xml, and none is followed
            **/r.xml: it left no report at **/r.xml
            link.xml: a link stands on the way to link.xml, and none is followed
            pipe.xml: it left no report at pipe.xml
            none.xml: it left no report at none.xml"#]]
        .assert_eq(
            &["deep/**/TEST-*.xml", "**/TEST-a.xml", "linked/r.xml", "**/r.xml", "link.xml", "pipe.xml", "none.xml"]
                .map(|pattern| format!("{pattern}: {}", said(pattern)))
                .join("\n"),
        );
        let giant = fs::File::create(tree.path().join("giant.xml")).unwrap();
        giant.set_len(FILE_BYTES_MAX + 1).unwrap();
        assert_eq!(said("giant.xml"), "its report giant.xml cannot be read: it has more than 16 MB");
    }
}
