//! Keeps other pages in the same browser from reading ours.
//!
//! A page of a stranger can point its own name at 127.0.0.1 (DNS rebinding) and would then be of our origin to the
//! browser. The `Host` header still carries the stranger's name, so only our own names are answered.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::WebState;
use crate::failure::Failure;

const OWN_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Our own style sheet and icon, and nothing else: no script, no frame, no form, no other origin.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

pub(crate) async fn add_security_headers(mut response: Response) -> Response {
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(crate) async fn refuse_foreign_host(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    // A request line may carry a whole URL, which then counts instead of the header; both have to be ours.
    let asked = request.uri().authority().map(ToString::to_string);
    let foreign = named.iter().chain(&asked).find(|host| !is_own(host, &state.settings.hosts));
    match (foreign, &named) {
        (Some(host), _) => Failure::foreign_host(host).into_response(),
        (None, None) => Failure::foreign_host("").into_response(),
        (None, Some(_)) => next.run(request).await,
    }
}

fn is_own(host: &str, configured: &[String]) -> bool {
    let name = without_port(host);
    let same = |own: &str| own.eq_ignore_ascii_case(name);
    OWN_HOSTS.into_iter().any(same) || configured.iter().any(|own| same(own))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_answered_whatever_the_port() {
        let configured = ["downbeat.example.org".to_owned()];
        for own in ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]", "[::1]:8080", "downbeat.example.org:443"] {
            assert!(is_own(own, &configured), "{own} was refused");
        }
        let foreign = [
            "",
            ":80",
            "evil.example",
            "localhost.evil.example",
            "evil.example:localhost",
            "127.0.0.2",
            "::1",
            "[::2]",
        ];
        for host in foreign {
            assert!(!is_own(host, &configured), "{host:?} was taken for ours");
        }
    }
}
