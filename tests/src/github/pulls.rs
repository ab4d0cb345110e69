//! Pull requests [GitHub: REST API, "Pull requests"].

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::server::{Answer, Shared, refuse, refuse_field};
use super::state::{Pull, State};

/// The routes below `/repos/OWNER/NAME/pulls`.
pub(super) fn route(shared: &Shared, method: &str, rest: &[&str], query: &str, body: &Value) -> Answer {
    match (method, rest) {
        ("GET", []) => list(shared, query),
        ("POST", []) => create(shared, body),
        ("GET", [number]) => shared.of_pull(number, |pull| Ok(pull.clone())),
        ("PATCH", [number]) => shared.of_pull(number, |pull| change(pull, body)),
        _ => refuse(StatusCode::NOT_FOUND, "Not Found"),
    }
}

fn list(shared: &Shared, query: &str) -> Answer {
    let asked = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let number = |name: &str, otherwise| asked(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (page, size): (usize, usize) = (number("page", 1), number("per_page", 30));
    let state = shared.state();
    let owner = state.repo.split('/').next().unwrap_or_default().to_owned();
    let is_wanted = |pull: &&Pull| {
        let is_state = match asked("state").unwrap_or("open") {
            "all" => true,
            "open" => pull.state == "open",
            _ => pull.state != "open",
        };
        let branch = asked("head").map(|head| head.replace("%2F", "/").replace("%3A", ":"));
        is_state && branch.is_none_or(|branch| branch == format!("{owner}:{}", pull.head))
    };
    let wanted: Vec<Pull> = state.pulls.iter().rev().filter(is_wanted).cloned().collect();
    let (address, repo) = (state.address.clone(), state.repo.clone());
    drop(state);
    let shown: Vec<Value> = wanted.iter().skip((page - 1) * size).take(size).map(|pull| short(shared, pull)).collect();
    let answer = Answer::new(StatusCode::OK, Value::Array(shown));
    if wanted.len() <= page * size {
        return answer;
    }
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("page=")).collect();
    let next = format!("<{address}/repos/{repo}/pulls?{}&page={}>; rel=\"next\"", rest.join("&"), page + 1);
    answer.with("link", &next)
}

fn create(shared: &Shared, body: &Value) -> Answer {
    let word = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (title, text, head, base) = (word("title"), word("body"), word("head"), word("base"));
    let mut state = shared.state();
    let Some(sha) = state.commit_at(&head) else { return refuse_field("PullRequest", "head", "invalid") };
    let Some(tip) = state.commit_at(&base) else { return refuse_field("PullRequest", "base", "invalid") };
    if title.is_empty() || title.chars().count() > 256 {
        return refuse_field("PullRequest", "title", "custom");
    }
    if state.pulls.iter().any(|pull| pull.state == "open" && pull.head == head && pull.base == base) {
        let owner = state.repo.split('/').next().unwrap_or_default();
        return refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("Validation Failed: A pull request already exists for {owner}:{head}."),
        );
    }
    if state.is_ancestor(&sha, &tip) {
        return refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("Validation Failed: No commits between {base} and {head}"),
        );
    }
    let number = state.pulls.len() as u64 + 1;
    let (labels, comments) = (std::collections::BTreeSet::new(), Vec::new());
    let pull = Pull { number, title, body: text, head, sha, base, state: "open", labels, comments };
    state.pulls.push(pull.clone());
    drop(state);
    Answer::new(StatusCode::CREATED, long(shared, &pull))
}

fn change(pull: &mut Pull, body: &Value) -> Result<Pull, Answer> {
    if let Some(state) = body["state"].as_str() {
        if pull.state == "merged" {
            return Err(refuse_field("PullRequest", "state", "invalid"));
        }
        pull.state = if state == "closed" { "closed" } else { "open" };
    }
    for (name, field) in [("title", &mut pull.title), ("body", &mut pull.body), ("base", &mut pull.base)] {
        if let Some(text) = body[name].as_str() {
            text.clone_into(field);
        }
    }
    Ok(pull.clone())
}

impl Shared {
    /// Answers with one pull request, perhaps changed.
    pub(super) fn of_pull(&self, number: &str, act: impl FnOnce(&mut Pull) -> Result<Pull, Answer>) -> Answer {
        let mut state = self.state();
        let wanted = number.parse::<u64>().ok();
        let Some(pull) = state.pulls.iter_mut().find(|pull| Some(pull.number) == wanted) else {
            return refuse(StatusCode::NOT_FOUND, "Not Found");
        };
        let acted = act(pull);
        drop(state);
        match acted {
            Ok(pull) => Answer::new(StatusCode::OK, long(self, &pull)),
            Err(answer) => answer,
        }
    }
}

fn values(state: &State, pull: &Pull) -> Vec<(&'static str, Value)> {
    let tip = state.commit_at(&pull.base).unwrap_or_default();
    let is_merged = pull.state == "merged";
    let when = json!("2026-01-01T00:00:00Z");
    let at = |is: bool| if is { when.clone() } else { Value::Null };
    vec![
        ("number", json!(pull.number)),
        ("html_url", json!(format!("{}/{}/pull/{}", state.address, state.repo, pull.number))),
        ("state", json!(if pull.state == "open" { "open" } else { "closed" })),
        ("title", json!(pull.title)),
        ("body", json!(pull.body)),
        ("merged_at", at(is_merged)),
        ("closed_at", at(pull.state != "open")),
        ("head/ref", json!(pull.head)),
        ("head/sha", json!(pull.sha)),
        ("head/repo/full_name", json!(state.repo)),
        ("base/ref", json!(pull.base)),
        ("base/sha", json!(tip)),
        ("base/repo/full_name", json!(state.repo)),
        // The description's own example lacks a field of a team that its schema demands.
        ("requested_teams", json!([])),
    ]
}

fn long(shared: &Shared, pull: &Pull) -> Value {
    let state = shared.state();
    let mut values = values(&state, pull);
    values.push(("merged", json!(pull.state == "merged")));
    drop(state);
    shared.example("pull-request", &values)
}

fn short(shared: &Shared, pull: &Pull) -> Value {
    let values = values(&shared.state(), pull);
    let [one, ..] = shared
        .example("pull-request-simple-items", &[])
        .as_array()
        .cloned()
        .unwrap_or_default()
        .try_into()
        .unwrap_or([Value::Null]);
    super::book::filled(one, &values)
}
