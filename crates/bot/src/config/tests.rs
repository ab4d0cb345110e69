//! Configs as people write them, and what they are told.

use expect_test::{Expect, expect};

use super::sample::{RIGHT, read, with};
use super::*;

fn refused(text: &str, env: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&read(text, env).unwrap_err());
}

#[test]
fn all_mistakes_are_told_together_each_with_its_place() {
    let text = r#"statee = "/srv"
agent = "codr"

[people.ana]
roles = ["requester", "boss"]

[repos.web]
remote = "/srv/git/web.git"
target = "a b"
colour = "blue"

[agents.coder]
kind = "command"

[queue]
batch_maxx = 4
batch_max = 1000
look_every_s = "often"

[web]
listen = "0.0.0.0:7117"

[[policy.deny]]
verb = "ask"
person = "anna"
"#;
    refused(
        text,
        &[],
        expect![[r#"
            the config has 12 mistakes

            downbeat.toml, line 1, column 1: there is no key `statee` at the top of the file; did you mean `state`?
               1 | statee = "…"
                 | ^

            downbeat.toml, line 2, column 9: there is no agent `codr`; did you mean `coder`?
               2 | agent = "codr"
                 |         ^

            downbeat.toml, line 5, column 23: `people.ana.roles`: there is no `boss`; choose from `viewer`, `requester`, `approver`, `operator` and `admin`
               5 | roles = ["requester", "boss"]
                 |                       ^

            downbeat.toml, line 9, column 10: `repos.web.target`: `a b` is not a branch: see `git help check-ref-format`: no space, control character, `..`, `@{`, `~^:?*[\`, no part that begins with `.` or ends with `.lock`, no leading `-`
               9 | target = "a b"
                 |          ^

            downbeat.toml, line 10, column 1: there is no key `colour` in [repos.web]; known are `remote`, `target`, `checks`, `style`, `message`, `closed`, `github` and `egress`
              10 | colour = "…"
                 | ^

            downbeat.toml, line 12, column 1: there is no `command` in [agents.coder]; it is a list in brackets, in which each is a text in quotes
              12 | [agents.coder]
                 | ^

            downbeat.toml, line 16, column 1: there is no key `batch_maxx` in [queue]; did you mean `batch_max`?
              16 | batch_maxx = 4
                 | ^

            downbeat.toml, line 17, column 13: `queue.batch_max`: 1000 is not a whole number from 1 to 64
              17 | batch_max = 1000
                 |             ^

            downbeat.toml, line 18, column 16: `queue.look_every_s` is a whole number from 1 to 86400, not a text
              18 | look_every_s = "often"
                 |                ^

            downbeat.toml, line 21, column 10: `web.listen`: `0.0.0.0:7117` is open to others; the page asks nobody who they are, so it listens on 127.0.0.1 or [::1] only
              21 | listen = "0.0.0.0:7117"
                 |          ^

            downbeat.toml, line 23, column 1: there is no `why` in [[policy.deny]]; it is a text in quotes
              23 | [[policy.deny]]
                 | ^

            downbeat.toml, line 25, column 10: there is no person `anna`; did you mean `ana`?
              25 | person = "anna"
                 |          ^"#]],
    );
}

#[test]
fn a_file_that_is_no_toml_says_where_and_nothing_else() {
    refused(
        "statee = 1\ndatabase = postgres://ana:canary@host/db\n",
        &[],
        expect![[r#"
        downbeat.toml, line 2, column 12: string values must be quoted, expected literal string
           2 | database = …
             |            ^"#]],
    );
    refused(
        "state = \"canary\nagent = 3",
        &[],
        expect![[r#"
        downbeat.toml, line 1, column 16: invalid basic string, expected `"`
           1 | state = "…
             |           ^"#]],
    );
}

#[test]
fn a_key_in_the_wrong_table_is_sent_to_the_right_one() {
    refused(
        &with("[web]\nagent = \"coder\"\nbatch_max = 3\n"),
        &[],
        expect![[r#"
        the config has 2 mistakes

        downbeat.toml, line 18, column 1: there is no key `agent` in [web]; it belongs to the top of the file, above the first [table]
          18 | agent = "…"
             | ^

        downbeat.toml, line 19, column 1: there is no key `batch_max` in [web]; it belongs to [queue]
          19 | batch_max = 3
             | ^"#]],
    );
    refused(
        &RIGHT.replace("command = [\"my-agent\"]", "command = [\"x\"]\nscript = \"y\""),
        &[],
        expect![[r#"
        downbeat.toml, line 16, column 1: `script` is for agents of the kind `scripted`
          16 | script = "…"
             | ^"#]],
    );
}

#[test]
fn what_is_missing_is_named_with_its_form() {
    refused(
        "",
        &[],
        expect![[r#"
        the config has 4 mistakes

        downbeat.toml: there is nobody who may ask for anything: add a table [people.NAME] with `roles`

        downbeat.toml: there is no repository to work on: add a table [repos.NAME] with `remote` and `target`

        downbeat.toml: there is no agent to do the work: add a table [agents.NAME] with its `kind`

        downbeat.toml: there is no `state`: the directory in which everything is kept"#]],
    );
    refused(
        &RIGHT.replace("target = \"main\"\n", "").replace("roles = [\"requester\"]\n", ""),
        &[],
        expect![[r#"
        the config has 2 mistakes

        downbeat.toml, line 3, column 1: there is no `roles` in [people.ana]; it is a list in brackets, in which each is one of `viewer`, `requester`, `approver`, `operator` and `admin`
           3 | [people.ana]
             | ^

        downbeat.toml, line 8, column 1: there is no `target` in [repos.web]; it is a text in quotes
           8 | [repos.web]
             | ^"#]],
    );
}

#[test]
fn values_that_contradict_each_other_are_mistakes() {
    let two_agents = with("[agents.recipes]\nkind = \"recipe\"\n[policy]\nsolo = true\n");
    refused(
        &two_agents,
        &[],
        expect![[r#"
        the config has 2 mistakes

        downbeat.toml, line 20, column 8: `solo = true` is for an installation of one person, but there are 2
          20 | solo = true
             |        ^

        downbeat.toml: there are the agents `coder` and `recipes`; name one as `agent`, for requests that name none"#]],
    );
}

#[test]
fn groups_and_channels_name_what_is_there() {
    let more = r#"
[groups.reviewers]
roles = ["approver"]
people = ["ana", "anna", "slack.U0123ABC"]
slack = "reviewers"
[channels."slack/T1/C1"]
repos = ["webb"]
[channels."general"]
repos = []
[[policy.deny]]
group = "reviewer"
repo = "app"
why = "it is so"
"#;
    refused(
        &with(more),
        &[],
        expect![[r#"
        the config has 6 mistakes

        downbeat.toml, line 20, column 10: there is no person `anna`; did you mean `ana`?
          20 | people = ["ana", "anna", "slack.U0123ABC"]
             |          ^

        downbeat.toml, line 21, column 9: `groups.reviewers.slack`: `reviewers` is not the id of a user group, as in `S0123ABC`, which ends the group's link in Slack
          21 | slack = "reviewers"
             |         ^

        downbeat.toml, line 23, column 9: there is no repository `webb`; did you mean `web`?
          23 | repos = ["webb"]
             |         ^

        downbeat.toml, line 24, column 11: `general` is not a channel: a channel is written slack/TEAM/CHANNEL or console/NAME, and any part may be `*`
          24 | [channels."general"]
             |           ^

        downbeat.toml, line 27, column 9: there is no group `reviewer`; did you mean `reviewers`?
          27 | group = "reviewer"
             |         ^

        downbeat.toml, line 28, column 8: there is no repository `app`; the config has `web`
          28 | repo = "app"
             |        ^"#]],
    );
}

#[test]
fn the_only_agent_works_when_none_is_named() {
    assert_eq!(read(RIGHT, &[]).unwrap().config.agent, "coder");
}

#[test]
fn checks_of_the_config_follow_the_rules_of_a_repositorys_own() {
    let gate =
        |more: &str| read(&with(more), &[]).unwrap().config.repos.into_values().next().and_then(|repo| repo.checks);
    assert_eq!(gate(""), None);
    let checks = gate("[[repos.web.checks]]\nname = \"tests\"\ncommand = \"make\"\ntimeout = \"5m\"\n");
    assert!(matches!(checks, Some(Gate::Checks(specs)) if specs[0].timeout == Duration::from_secs(300)));
    refused(
        &with("[[repos.web.checks]]\nname = \"tests\"\ncomand = \"make\"\n"),
        &[],
        expect![[r#"
        downbeat.toml, line 19, column 1: `repos.web.checks`: unknown key `comand`, did you mean `command`?
          19 | comand = "…"
             | ^"#]],
    );
    refused(
        &with("[repos.web.checks]\n"),
        &[],
        expect![[r#"
        downbeat.toml, line 17, column 1: `repos.web.checks` is a list of checks, each with `name` and `command`, not a table
          17 | [repos.web.checks]
             | ^"#]],
    );
}

#[test]
fn a_variable_replaces_a_key_of_the_file() {
    let reading = read(
        &with("[people.dan-x]\nroles = []\n"),
        &[
            ("DOWNBEAT__QUEUE__BATCH_MAX", "4"),
            ("DOWNBEAT__MENTION", "@123456"),
            ("DOWNBEAT__PEOPLE__ANA__ROLES", "[\"admin\"]"),
            ("DOWNBEAT__PEOPLE__DAN_X__ROLES", "[\"viewer\"]"),
            ("DOWNBEAT__CAGE__ENV__CARGO_HOME", "/cargo"),
            ("DOWNBEAT_LOG", "debug"),
        ],
    );
    let config = reading.unwrap().config;
    assert_eq!((config.queue.batch_max, config.mention.as_str()), (4, "@123456"));
    let roles: Vec<_> = config.people.iter().map(|(name, person)| format!("{name} {:?}", person.roles)).collect();
    assert_eq!(roles, ["ana {Admin}", "ben {Approver, Operator}", "dan-x {Viewer}"]);
    assert_eq!(config.cage.env["CARGO_HOME"], "/cargo");
}

#[test]
fn a_mistake_in_a_variable_names_the_variable() {
    refused(
        RIGHT,
        &[
            ("DOWNBEAT__QUEUE__BATCH_MAXX", "4"),
            ("DOWNBEAT__QUEUE__BATCH_MAX", "many"),
            ("DOWNBEAT__LIMITS__CHECKS", "0"),
            ("DOWNBEAT__AGENT", "codr"),
            ("DOWNBEAT__WEB", "{}"),
            ("DOWNBEAT__DATABASE_FILE", "/no/such/file"),
        ],
        expect![[r#"
            the config has 6 mistakes

            the variable DOWNBEAT__AGENT: there is no agent `codr`; did you mean `coder`?

            the variable DOWNBEAT__DATABASE_FILE: the file /no/such/file cannot be read: No such file or directory (os error 2)

            the variable DOWNBEAT__LIMITS__CHECKS: `limits.checks`: 0 is not a whole number from 1 to 256

            the variable DOWNBEAT__QUEUE__BATCH_MAX: `many` is not a whole number from 1 to 64

            the variable DOWNBEAT__QUEUE__BATCH_MAXX: there is no key `queue.batch_maxx`; did you mean DOWNBEAT__QUEUE__BATCH_MAX?

            the variable DOWNBEAT__WEB: `web` is a table; name a key in it, as in DOWNBEAT__WEB__LISTEN"#]],
    );
}

#[test]
fn a_variable_replaces_a_list_as_a_whole() {
    let rule = "[[policy.deny]]\nverb = \"ask\"\nwhy = \"closed\"\n";
    let deny = |value| read(&with(rule), &[("DOWNBEAT__POLICY__DENY", value)]);
    let reading = deny("[{ person = \"ana\", why = \"away\" }]").unwrap();
    assert_eq!(reading.config.policy.deny.len(), 1);
    assert_eq!(reading.config.policy.deny[0].verb, None);
    expect!["the variable DOWNBEAT__POLICY__DENY: there is no `why` in [[policy.deny]]; it is a text in quotes"]
        .assert_eq(&deny("[{ person = \"ana\" }]").unwrap_err());
}

#[test]
fn a_generated_config_is_replaced_key_by_key_at_its_top() {
    let generated = "state = \"/own\"\n[people.me]\nroles = [\"admin\"]\n[policy]\nsolo = true\n";
    let text = RIGHT.replace("state = \"/srv/downbeat\"\n", "[policy]\n");
    let env = Environment::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("downbeat.toml");
    std::fs::write(&path, text).unwrap();
    let reading = Config::read(&Sources { generated, file: Some(&path), env: &env }).unwrap();
    assert_eq!(reading.config.state, PathBuf::from("/own"));
    assert_eq!(reading.config.people.len(), 2, "nobody gains a right that the file does not give");
    assert!(!reading.config.policy.solo);
    let origin = |path| reading.setting(path).map(|setting| setting.origin.clone());
    assert_eq!(origin("state"), Some(Origin::Generated));
    assert_eq!(origin("repos.web.target"), Some(Origin::Line(11)));
    assert_eq!(origin("queue.batch_max"), Some(Origin::Default));
}

#[test]
fn windows_that_cannot_be_used_are_named_one_by_one_and_together() {
    refused(
        &with("[queue]\nclosed = [\"Fri 25:00 - Mon 08:00 UTC\", \"\", \"Fri 17:00 - Mon 08:00 Berlin\"]\n"),
        &[],
        expect![[r#"
            the config has 3 mistakes

            downbeat.toml, line 18, column 11: `queue.closed`: `Fri 25:00 - Mon 08:00 UTC` is no window of time: `25:00` is no time of day; those go from `00:00` to `23:59`. Write it as in `Fri 17:00 - Mon 08:00 Europe/Berlin` or `daily 22:00 - 06:00 UTC`
              18 | closed = ["Fri 25:00 - Mon 08:00 UTC", "", "Fri 17:00 - Mon 08:00 Berlin"]
                 |           ^

            downbeat.toml, line 18, column 40: `queue.closed`: `` is no window of time: it is empty. Write it as in `Fri 17:00 - Mon 08:00 Europe/Berlin` or `daily 22:00 - 06:00 UTC`
              18 | closed = ["Fri 25:00 - Mon 08:00 UTC", "", "Fri 17:00 - Mon 08:00 Berlin"]
                 |                                        ^

            downbeat.toml, line 18, column 44: `queue.closed`: `Fri 17:00 - Mon 08:00 Berlin` is no window of time: `Berlin` is no time zone; perhaps `Europe/Berlin` is meant. Write it as in `Fri 17:00 - Mon 08:00 Europe/Berlin` or `daily 22:00 - 06:00 UTC`
              18 | closed = ["Fri 25:00 - Mon 08:00 UTC", "", "Fri 17:00 - Mon 08:00 Berlin"]
                 |                                            ^"#]],
    );
    let all_day = "[queue]\nclosed = [\"daily 06:00 - 18:00 UTC\", \"daily 18:00 - 06:00 UTC\"]\n[repos.docs]\nremote = \"/srv/docs\"\ntarget = \"main\"\n";
    refused(
        &with(all_day),
        &[],
        expect![[r#"
        downbeat.toml, line 18, column 10: `queue.closed`: together they cover all time, so that it would never be open; take one out, or let one end sooner
          18 | closed = ["daily 06:00 - 18:00 UTC", "daily 18:00 - 06:00 UTC"]
             |          ^"#]],
    );
}

#[test]
fn a_repository_has_its_own_windows_or_those_of_all() {
    let text = with(
        "[queue]\nclosed = [\"Fri 17:00 - Mon 08:00 Europe/Berlin\"]\n[repos.docs]\nremote = \"/srv/docs\"\ntarget = \"main\"\nclosed = []\n",
    );
    let config = Config::from_text("config", &text).unwrap();
    let closed = |repo: &str| Vec::from(config.queue_policy(&repo.parse().unwrap()).closed);
    assert_eq!(closed("web"), ["Fri 17:00 - Mon 08:00 Europe/Berlin"]);
    assert!(closed("docs").is_empty());
}
