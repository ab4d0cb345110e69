//! What a call to the Web API says, however it is written: query, form or JSON.

use axum::http::{HeaderMap, Uri, header};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The arguments of one call, and the token that came with it.
#[derive(Clone, Debug, Default)]
pub struct Args {
    named: Map<String, Value>,
    /// The token of the `Authorization` header, or of the form.
    pub token: Option<String>,
    /// Whether a JSON body came without a charset, which Slack warns of.
    pub lacks_charset: bool,
}

/// The arguments that are JSON even where a form carries them.
const STRUCTURED: [&str; 9] =
    ["attachments", "blocks", "chunks", "files", "loading_messages", "metadata", "prompts", "unfurls", "view"];

impl Args {
    /// Reads a request; methods that only read do not look at a JSON body, as the real ones do not.
    pub fn read(uri: &Uri, headers: &HeaderMap, body: &[u8], takes_json: bool) -> Result<Self, Refusal> {
        let mut args = Self { token: bearer(headers), ..Self::default() };
        args.add_form(uri.query().unwrap_or_default());
        let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/json") {
            args.lacks_charset = !kind.contains("charset");
            if takes_json && !body.is_empty() {
                let read = serde_json::from_slice(body).map_err(|_| Refusal::of("invalid_json"))?;
                let Value::Object(read) = read else { return Err(Refusal::of("json_not_object")) };
                args.named.extend(read.into_iter().filter(|(_, value)| !value.is_null()));
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            args.add_form(&String::from_utf8_lossy(body));
        } else if kind.starts_with("multipart/form-data") {
            args.add_parts(kind, &String::from_utf8_lossy(body));
        } else if !body.is_empty() {
            return Err(Refusal::of("invalid_post_type"));
        }
        Ok(args)
    }

    fn add_form(&mut self, form: &str) {
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.add(decoded(name), decoded(value));
        }
    }

    fn add_parts(&mut self, kind: &str, body: &str) {
        let Some((_, boundary)) = kind.split_once("boundary=") else { return };
        for part in body.split(&format!("--{}", boundary.trim_matches('"'))) {
            let Some((head, value)) = part.split_once("\r\n\r\n") else { continue };
            let Some((_, name)) = head.split_once("name=\"") else { continue };
            let name = name.split('"').next().unwrap_or_default();
            self.add(name.to_owned(), value.trim_end_matches("\r\n").to_owned());
        }
    }

    fn add(&mut self, name: String, value: String) {
        if name == "token" {
            self.token.get_or_insert(value);
            return;
        }
        let is_structured = STRUCTURED.contains(&name.as_str());
        let value = is_structured.then(|| serde_json::from_str(&value).ok()).flatten().unwrap_or(Value::String(value));
        self.named.insert(name, value);
    }

    /// A text, where it is given and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.named.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text that must be there.
    pub fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::missing(name))
    }

    /// Whether a switch is on, in any of the ways in which clients write that.
    pub fn is_on(&self, name: &str) -> bool {
        match self.named.get(name) {
            Some(Value::Bool(is_on)) => *is_on,
            Some(Value::String(text)) => ["1", "true", "True"].contains(&text.as_str()),
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    /// A whole number, written as one or as text.
    pub fn number(&self, name: &str) -> Option<usize> {
        let value = self.named.get(name)?;
        value.as_u64().and_then(|number| number.try_into().ok()).or_else(|| value.as_str()?.parse().ok())
    }

    /// A list, where it is given.
    pub fn list(&self, name: &str) -> Option<&Vec<Value>> {
        self.named.get(name)?.as_array()
    }

    /// An argument as it is.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.named.get(name)
    }

    /// Leaves an argument out.
    pub fn forget(&mut self, name: &str) {
        self.named.remove(name);
    }

    /// Says one more thing.
    pub fn say(&mut self, name: &str, value: Value) {
        self.named.insert(name.to_owned(), value);
    }

    /// Everything, for the record of calls.
    pub fn all(&self) -> &Map<String, Value> {
        &self.named
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    Some(value.strip_prefix("Bearer ")?.trim().to_owned())
}

/// The text behind percent signs and plus signs.
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, hex) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The text as a form carries it.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_json_says() {
        let words = "a b&c=d+é%";
        assert_eq!(decoded(&encoded(words)), words);
        assert_eq!(decoded("a+b%20c"), "a b c");
    }
}
