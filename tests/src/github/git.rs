//! Git over smart HTTP: git's own `http-backend`, as any web server runs it.

use std::process::Stdio;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::server::Shared;

/// The largest push that it takes.
pub(super) const PUSH_BYTES_MAX: usize = 64 << 20;

/// Serves one request for `/OWNER/NAME.git/…`.
pub(super) async fn serve(shared: &Shared, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let (root, is_known) = {
        let state = shared.state();
        let is_known = password(&headers).is_some_and(|token| state.knows(&token));
        (state.git.parent().expect("it is in a directory").to_owned(), is_known)
    };
    if !is_known {
        let ask = [("www-authenticate", "Basic realm=\"GitHub\"")];
        return (StatusCode::UNAUTHORIZED, ask, "Bad credentials").into_response();
    }
    let name = uri.path().split('/').nth(2).unwrap_or_default();
    let rest = uri.path().splitn(4, '/').nth(3).unwrap_or_default();
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let mut command = Command::new("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", &root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("PATH_INFO", format!("/{name}/{rest}")).env("QUERY_STRING", uri.query().unwrap_or_default());
    command.env("REQUEST_METHOD", method.as_str()).env("CONTENT_TYPE", text("content-type"));
    command.env("CONTENT_LENGTH", body.len().to_string()).env("HTTP_CONTENT_ENCODING", text("content-encoding"));
    command.env("GIT_PROTOCOL", text("git-protocol")).env("REMOTE_USER", "agent").env("REMOTE_ADDR", "127.0.0.1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().expect("git is installed");
    let mut stdin = child.stdin.take().expect("it was asked for");
    let write = async move {
        // A backend that refuses reads nothing.
        let _ = stdin.write_all(&body).await;
    };
    let (_, output) = tokio::join!(write, child.wait_with_output());
    let answer = answer_of(&output.expect("git ends").stdout);
    if rest == "git-receive-pack" {
        shared.state().after_push();
    }
    answer
}

/// The password of a Basic login.
fn password(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?.to_owned();
    let decoded = data_encoding::BASE64.decode(text.as_bytes()).ok()?;
    String::from_utf8(decoded).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

/// What a CGI program printed, as an answer.
fn answer_of(printed: &[u8]) -> Response {
    let end = printed.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(printed.len());
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(&printed[..end]).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name == "Status" {
            status = value[..3].parse().expect("a status is a number");
        } else if let (Ok(name), Ok(value)) = (name.parse::<axum::http::HeaderName>(), value.parse()) {
            headers.insert(name, value);
        }
    }
    (status, headers, printed.get(end + 4..).unwrap_or_default().to_vec()).into_response()
}
