//! What is said about a pull request or a commit: labels, comments, statuses.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::server::{Answer, Shared, refuse, refuse_field};

/// The routes below `/repos/OWNER/NAME/issues`.
pub(super) fn route(shared: &Shared, method: &str, rest: &[&str], body: &Value) -> Answer {
    match (method, rest) {
        ("POST", [number, "labels"]) => {
            let wanted: Vec<String> = body["labels"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|it| Some(it.as_str()?.to_owned()))
                .collect();
            let answer = shared.of_pull(number, |pull| {
                pull.labels.extend(wanted);
                Ok(pull.clone())
            });
            answer.then(|| shared.example("label-items", &[]))
        }
        ("POST", [number, "comments"]) => {
            let Some(text) = body["body"].as_str().filter(|text| !text.is_empty()).map(str::to_owned) else {
                return refuse_field("IssueComment", "body", "missing_field");
            };
            let said = text.clone();
            let answer = shared.of_pull(number, |pull| {
                pull.comments.push(text);
                Ok(pull.clone())
            });
            answer.then(|| shared.example("issue-comment", &[("body", json!(said))])).having_status(StatusCode::CREATED)
        }
        ("GET", [number]) => {
            let mut values = vec![];
            let answer = shared.of_pull(number, |pull| {
                values = vec![("number", json!(pull.number)), ("closed_by/login", json!("ben")), ("labels", json!([]))];
                Ok(pull.clone())
            });
            answer.then(|| shared.example("issue", &values))
        }
        _ => refuse(StatusCode::NOT_FOUND, "Not Found"),
    }
}

/// `POST /repos/OWNER/NAME/statuses/SHA`.
pub(super) fn status(shared: &Shared, sha: &str, body: &Value) -> Answer {
    let is_known = ["error", "failure", "pending", "success"].contains(&body["state"].as_str().unwrap_or_default());
    if !is_known || body["description"].as_str().is_some_and(|text| text.chars().count() > 140) {
        return refuse_field("Status", "state", "custom");
    }
    shared.state().statuses.push((sha.to_owned(), body.clone()));
    let values = [
        ("state", body["state"].clone()),
        ("description", body["description"].clone()),
        ("context", body["context"].clone()),
    ];
    Answer::new(StatusCode::CREATED, shared.example("status", &values))
}
