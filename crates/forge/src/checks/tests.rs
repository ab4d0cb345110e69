//! Files as repositories may write them, and what they are told.

use expect_test::{Expect, expect};

use super::*;

fn checks_in(text: &str) -> Vec<CheckSpec> {
    match gate_from_toml(Some(text)) {
        Ok(Gate::Checks(specs)) => specs,
        other => panic!("{other:?}"),
    }
}

fn refused(text: &str, expected: Expect) {
    expected.assert_eq(&gate_from_toml(Some(text)).unwrap_err().to_string());
}

#[test]
fn silence_is_not_the_same_as_wanting_no_checks() {
    assert_eq!(gate_from_toml(None), Ok(Gate::Missing));
    assert_eq!(gate_from_toml(Some("")), Ok(Gate::Missing));
    assert_eq!(gate_from_toml(Some("checks = []")), Ok(Gate::Untested));
}

#[test]
fn a_check_needs_no_more_than_a_name_and_a_command() {
    let specs = checks_in("[[checks]]\nname = 'test'\ncommand = 'make test'\n");
    let check = CheckSpec::named("test", "make test");
    assert_eq!(specs, [check]);
}

#[test]
fn a_timeout_is_a_text_or_seconds() {
    for (written, seconds) in [("\"5m\"", 300), ("\"90s\"", 90), ("\"2 h\"", 7_200), ("45", 45), ("0x10", 16)] {
        let specs = checks_in(&format!("checks = [{{ name = 'a', command = 'b', timeout = {written}, retries = 2 }}]"));
        assert_eq!((specs[0].timeout, specs[0].retries), (Duration::from_secs(seconds), 2), "{written}");
    }
    for written in
        ["\"5\"", "\"5d\"", "0", "-1", "1.5", "true", "\"99h\"", "\"99999999999999999999s\"", "\"-5m\"", "\"größe\""]
    {
        let text = format!("checks = [{{ name = 'a', command = 'b', timeout = {written} }}]");
        assert!(gate_from_toml(Some(&text)).is_err(), "{written} was taken for a timeout");
    }
}

#[test]
fn a_misspelt_key_is_pointed_at() {
    refused(
        "[[checks]]\nname = \"test\"\n  comand = \"make\"\n",
        expect![[r#"
            .downbeat/config.toml, line 3, column 3: unknown key `comand`, did you mean `command`?
               3 |   comand = "make"
                 |   ^"#]],
    );
    refused(
        "größe = 1",
        expect![[r#"
            .downbeat/config.toml, line 1, column 3: invalid unquoted key, expected letters, numbers, `-`, `_`
               1 | größe = 1
                 |   ^"#]],
    );
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    refused(
        "checks = [\n",
        expect![[r#"
            .downbeat/config.toml, line 1, column 11: unclosed array, expected `]`
               1 | checks = [
                 |           ^"#]],
    );
}

#[test]
fn names_are_given_once_and_not_empty() {
    refused(
        "[[checks]]\nname = 'a'\ncommand = 'x'\n[[checks]]\nname = 'a'\ncommand = 'y'\n",
        expect![[r#"
            .downbeat/config.toml, line 5, column 8: another check is named `a` already
               5 | name = 'a'
                 |        ^"#]],
    );
    refused(
        "[[checks]]\nname = ' '\ncommand = 'x'\n",
        expect![[r#"
            .downbeat/config.toml, line 2, column 8: `name` is a text that is not empty
               2 | name = ' '
                 |        ^"#]],
    );
    refused(
        "[[checks]]\nname = 'a'\n",
        expect![[r#"
            .downbeat/config.toml, line 1, column 1: a check needs a `command`
               1 | [[checks]]
                 | ^"#]],
    );
}

#[test]
fn everything_has_a_limit() {
    let one = |n: usize| format!("[[checks]]\nname = 'c{n}'\ncommand = 'x'\n");
    let many = |n| (0..n).map(one).collect::<String>();
    assert_eq!(checks_in(&many(CHECKS_MAX)).len(), CHECKS_MAX);
    let long = |n| "x".repeat(n);
    for text in [
        many(CHECKS_MAX + 1),
        format!("checks = [{{ name = '{}', command = 'x' }}]", long(NAME_CHARS_MAX + 1)),
        format!("checks = [{{ name = 'a', command = '{}' }}]", long(COMMAND_BYTES_MAX + 1)),
        format!("checks = [{{ name = 'a', command = 'x', retries = {} }}]", RETRIES_MAX + 1),
        format!("# {}\nchecks = []", long(FILE_BYTES_MAX)),
        "checks = 'none'".to_owned(),
        "checks = ['make']".to_owned(),
        "checks = [{ name = 'a\\u0007', command = 'x' }]".replace('\'', "\""),
    ] {
        assert!(gate_from_toml(Some(&text)).is_err(), "{text}");
    }
}

#[test]
fn a_report_is_somewhere_below_the_root() {
    let written = |junit: &str| format!("[[checks]]\nname = 'a'\ncommand = 'b'\njunit = {junit}\n");
    assert_eq!(checks_in(&written("'target/**/junit-*.xml'"))[0].junit.as_deref(), Some("target/**/junit-*.xml"));
    for junit in ["'/etc/passwd'", "'../r.xml'", "'a/../../r.xml'", "''", "5", "'r[.xml'", "['r.xml']"] {
        assert!(gate_from_toml(Some(&written(junit))).is_err(), "{junit} was taken for the place of a report");
    }
    refused(
        &written("'../r.xml'"),
        expect![[r#"
        .downbeat/config.toml, line 4, column 9: `../r.xml` is not a path pattern: it has to be relative to the repository's root, without `.`, `..` or empty parts
           4 | junit = '../r.xml'
             |         ^"#]],
    );
}

#[test]
fn a_check_may_say_how_it_runs_what_failed_before() {
    let written = |first: &str, more: &str| {
        format!("[[checks]]\nname = 'unit'\ncommand = 'make'\n{more}failed_first = {first}\n")
    };
    let check = checks_in(&written("'make only {tests} -- {tests}'", "junit = 'r.xml'\n")).remove(0);
    let line = |names: &[&str]| check.line_for(&FailedTests::of(names.iter().map(|name| (*name).to_owned())));
    let quoted = r"'a::b' 'it'\''s $(all)'";
    assert_eq!(line(&["a::b", "it's $(all)"]), Some(format!("make only {quoted} -- {quoted}")));
    assert_eq!((line(&["--all", "a\0b"]), line(&[])), (None, None));
    for (first, more, why) in [
        ("'make only'", "junit = 'r.xml'\n", "line 5, column 16: `failed_first` is a command with `{tests}` where"),
        ("7", "", "line 4, column 16: `failed_first` is a command with `{tests}`"),
        ("'make {tests}'", "", "line 4, column 16: `failed_first` needs `junit`: which tests failed is only"),
    ] {
        let said = gate_from_toml(Some(&written(first, more))).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
}

/// [19]
#[test]
fn a_check_names_lanes_that_there_are() {
    let written = |lanes: &str| {
        format!(
            "lanes = {{ web = ['web/**'], api = ['api/**'], all = ['x'] }}\n[[checks]]\nname = 'a'\ncommand = 'b'\nlanes = {lanes}\n"
        )
    };
    assert_eq!(checks_in(&written("['web', 'rest', 'api', 'web']"))[0].lanes, ["api", "rest", "web"]);
    assert_eq!(checks_in("[[checks]]\nname = 'a'\ncommand = 'b'\nlanes = ['rest']\n")[0].lanes, ["rest"]);
    for (lanes, why) in [
        ("['web', 'wbe']", "line 5, column 17: there is no lane `wbe`; known are `api`, `web`, `rest`\n"),
        ("['all']", "line 5, column 10: `all` is no lane: every check sees what concerns every lane\n"),
        ("[]", "line 5, column 9: `lanes` are those whose paths the check sees, as in [\"web\"]"),
        ("'web'", "line 5, column 9: `lanes` are those"),
        ("[7]", "line 5, column 10: a lane is named by a text\n"),
    ] {
        let said = gate_from_toml(Some(&written(lanes))).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
    let elsewhere = DeTable::parse("checks = [{ name = 'a', command = 'b', lanes = ['rest'] }]").unwrap();
    let fault = gate_of(&elsewhere.get_ref()["checks"]).unwrap_err();
    assert!(fault.why.starts_with("a check names lanes only in the repository's own"), "{}", fault.why);
}

#[test]
fn a_few_failed_tests_are_shown_and_all_are_counted() {
    let names = |n: usize| (0..n).map(|n| format!("tests::{n:02}"));
    let shown = [0, 1, 3, 4, 30].map(|n| FailedTests::of(names(n)).to_string());
    expect![[r#"

        tests::00
        tests::00, tests::01, tests::02
        tests::00, tests::01, tests::02 and 1 more
        tests::00, tests::01, tests::02 and 27 more"#]]
    .assert_eq(&shown.join("\n"));
    assert_eq!(FailedTests::of(names(30)).named.len(), FailedTests::NAMED_MAX);
}
