//! Whether the people of the config can carry a task to its end: somebody asks, somebody else approves, somebody operates.

use domain::{Person, Role};

use super::finding::{Finding, Group};
use crate::config::Config;

const GROUP: Group = Group::Config;

/// Looks at the roles of everybody.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let holds = |person: &Person, role: Role| {
        let roles = &config.people[person].roles;
        roles.contains(&role) || roles.contains(&Role::Admin)
    };
    let everybody: Vec<&Person> = config.people.keys().collect();
    let who = |role| everybody.iter().copied().filter(|person| holds(person, role)).collect::<Vec<_>>();
    let (askers, approvers, operators) = (who(Role::Requester), who(Role::Approver), who(Role::Operator));
    let mut findings = Vec::new();
    if askers.is_empty() {
        findings.push(Finding::fail(
            GROUP,
            "nobody may ask for anything",
            "give somebody \"requester\" in `people.NAME.roles`",
        ));
    }
    if approvers.is_empty() {
        findings.push(Finding::warn(
            GROUP,
            "nobody may approve other people's tasks, so changes of medium risk (R2) wait for ever",
            "give somebody \"approver\" in `people.NAME.roles`",
        ));
    } else if !config.policy.solo {
        let is_alone = |asker: &&&Person| approvers.iter().all(|approver| approver == *asker);
        let alone: Vec<_> = askers.iter().filter(is_alone).map(ToString::to_string).collect();
        if !alone.is_empty() {
            let what = format!(
                "nobody else may approve what {} asks for, so their risky changes (R2) wait for ever",
                alone.join(" and ")
            );
            let fix = match everybody.len() {
                1 => "set `policy.solo = true`, or add a second person with \"approver\"",
                _ => "give a second person \"approver\" in `people.NAME.roles`",
            };
            findings.push(Finding::warn(GROUP, what, fix));
        }
    }
    if operators.is_empty() {
        findings.push(Finding::warn(
            GROUP,
            "nobody may pause or resume the queue",
            "give somebody \"operator\" in `people.NAME.roles`",
        ));
    }
    if findings.is_empty() {
        let alone = if config.policy.solo { ", alone (`policy.solo`)" } else { "" };
        let listed = |people: &[&Person]| people.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let what = format!(
            "asks: {}; approves: {}; operates the queue: {}{alone}",
            listed(&askers),
            listed(&approvers),
            listed(&operators)
        );
        findings.push(Finding::ok(GROUP, what));
    }
    findings
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn said(people: &[(&str, &str)], solo: bool) -> String {
        let people: String =
            people.iter().map(|(name, roles)| format!("[people.{name}]\nroles = [{roles}]\n")).collect();
        let text = format!(
            "state = \"/s\"\n{people}[policy]\nsolo = {solo}\n[repos.web]\nremote = \"/w\"\ntarget = \"main\"\n[agents.r]\nkind = \"recipe\"\n"
        );
        let findings = look(&Config::from_text("c", &text).unwrap());
        findings.iter().map(|finding| finding.text(false)).collect()
    }

    #[test]
    fn who_would_wait_for_ever_is_told_beforehand() {
        let asks = [
            said(&[("ana", "\"admin\"")], true),
            said(&[("ana", "\"admin\"")], false),
            said(&[("ana", "\"requester\""), ("ben", "\"approver\", \"operator\"")], false),
            said(&[("ana", "\"requester\""), ("ben", "\"requester\", \"approver\"")], false),
            said(&[("ana", "\"requester\"")], true),
            said(&[("ana", "\"viewer\"")], true),
        ];
        expect![[r#"
            found
              ok    asks: ana; approves: ana; operates the queue: ana, alone (`policy.solo`)

            found
              warn  nobody else may approve what ana asks for, so their risky changes (R2) wait for ever
                    → set `policy.solo = true`, or add a second person with "approver"

            found
              ok    asks: ana; approves: ben; operates the queue: ben

            found
              warn  nobody else may approve what ben asks for, so their risky changes (R2) wait for ever
                    → give a second person "approver" in `people.NAME.roles`
              warn  nobody may pause or resume the queue
                    → give somebody "operator" in `people.NAME.roles`

            found
              warn  nobody may approve other people's tasks, so changes of medium risk (R2) wait for ever
                    → give somebody "approver" in `people.NAME.roles`
              warn  nobody may pause or resume the queue
                    → give somebody "operator" in `people.NAME.roles`

            found
              fail  nobody may ask for anything
                    → give somebody "requester" in `people.NAME.roles`
              warn  nobody may approve other people's tasks, so changes of medium risk (R2) wait for ever
                    → give somebody "approver" in `people.NAME.roles`
              warn  nobody may pause or resume the queue
                    → give somebody "operator" in `people.NAME.roles`
        "#]]
        .assert_eq(&asks.map(|said| format!("found\n{said}")).join("\n"));
    }
}
