//! Where models are: the providers of an installation, and how each wants its key.

use std::fmt;
use std::io;

use hyper::Uri;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::http::uri::{Authority, Scheme};
use secrecy::{ExposeSecret, SecretString};

/// A provider as the config describes it.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// What a library of this provider takes as its base address: `https://api.openai.com/v1`. Plain `http` only to this
    /// machine.
    pub base_url: String,
    /// The real key.
    pub key: SecretString,
    /// The header that carries it; in `authorization` it stands behind `Bearer`.
    pub header: String,
    /// What may be asked for below the base address, with `*` for one part; all of it when empty.
    pub paths: Vec<String>,
}

/// A provider that needs nothing but a key.
#[derive(Clone, Copy, Debug)]
pub struct KnownProvider {
    /// Its name in `/model/NAME/`.
    pub name: &'static str,
    /// The variable in which its own programs look for the key.
    pub variable: &'static str,
    /// Its base address.
    pub base_url: &'static str,
    /// The header that carries the key.
    pub header: &'static str,
    /// Models and their answers. A key opens more: files, batches, members of the organisation.
    pub paths: &'static [&'static str],
}

/// The providers that need nothing but a key.
pub const KNOWN_PROVIDERS: &[KnownProvider] = &[
    KnownProvider {
        name: "anthropic",
        variable: "ANTHROPIC_API_KEY",
        base_url: "https://api.anthropic.com",
        header: "x-api-key",
        paths: &["/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/models/*"],
    },
    KnownProvider {
        name: "openai",
        variable: "OPENAI_API_KEY",
        base_url: "https://api.openai.com/v1",
        header: "authorization",
        paths: &["/responses", "/responses/compact", "/chat/completions", "/embeddings", "/models", "/models/*"],
    },
    KnownProvider {
        name: "gemini",
        variable: "GEMINI_API_KEY",
        base_url: "https://generativelanguage.googleapis.com",
        header: "x-goog-api-key",
        paths: &["/*/models", "/*/models/*"],
    },
];

impl ProviderSettings {
    /// The known provider of this name, with this key.
    pub fn known(name: &str, key: SecretString) -> Option<Self> {
        let known = KNOWN_PROVIDERS.iter().find(|known| known.name == name)?;
        Some(Self {
            base_url: known.base_url.to_owned(),
            key,
            header: known.header.to_owned(),
            paths: known.paths.iter().map(|path| (*path).to_owned()).collect(),
        })
    }

    /// Whether this can be a base address; the error is for the person who wrote it and repeats no password.
    pub fn check_base_url(text: &str) -> Result<(), String> {
        Base::of(text).map(drop)
    }
}

/// A provider, ready for requests.
pub(super) struct Provider {
    pub name: String,
    base: Base,
    key: SecretString,
    pub header: HeaderName,
    value: HeaderValue,
    paths: Vec<String>,
}

struct Base {
    scheme: Scheme,
    authority: Authority,
    path: String,
}

/// Headers in which agents send keys; none of them is passed on.
pub(super) const KEY_HEADERS: [&str; 6] =
    ["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization"];

impl Provider {
    pub(super) fn of(name: &str, settings: &ProviderSettings) -> io::Result<Self> {
        let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidInput, format!("the provider {name}: {why}"));
        let base = Base::of(&settings.base_url).map_err(wrong)?;
        let header: HeaderName =
            settings.header.parse().map_err(|_| wrong(format!("`{}` is no header's name", settings.header)))?;
        let key = settings.key.expose_secret().trim();
        let carried = if header == AUTHORIZATION { format!("Bearer {key}") } else { key.to_owned() };
        let mut value = HeaderValue::try_from(carried)
            .map_err(|_| wrong("its key has characters that no key has; was the right file named?".to_owned()))?;
        value.set_sensitive(true);
        if key.is_empty() {
            return Err(wrong("its key is empty".to_owned()));
        }
        let (key, paths) = (SecretString::from(key.to_owned()), settings.paths.clone());
        Ok(Self { name: name.to_owned(), base, key, header, value, paths })
    }

    /// The real key as its header has it.
    pub(super) fn value(&self) -> HeaderValue {
        self.value.clone()
    }

    /// The real key.
    pub(super) fn key(&self) -> &str {
        self.key.expose_secret()
    }

    /// The host that requests go to, for the log.
    pub(super) fn authority(&self) -> &Authority {
        &self.base.authority
    }

    /// The address of what is asked for; none where it is not a plain path below the base, or not one of the listed.
    pub(super) fn target(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        if !is_plain(path) || !(self.paths.is_empty() || self.paths.iter().any(|listed| fits(listed, path))) {
            return None;
        }
        // A key in the query is the agent's, like one in a header.
        let kept: Vec<_> = query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !is_key(pair)).collect();
        let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        let Base { scheme, authority, path: base } = &self.base;
        let built = Uri::builder().scheme(scheme.clone()).authority(authority.clone());
        built.path_and_query(format!("{base}{path}{query}")).build().ok()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Base {
    fn of(text: &str) -> Result<Self, String> {
        let example = "write it as in `https://api.example.org/v1`";
        let uri: Uri = text.parse().map_err(|_| format!("the base address is no web address; {example}"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(format!("the base address has no `https://` and host; {example}"));
        };
        if authority.as_str().contains('@') {
            return Err(format!("the base address has a name or password in it; the key is `key`; {example}"));
        }
        let is_here = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
        if scheme != Scheme::HTTPS && !(scheme == Scheme::HTTP && is_here) {
            let host = authority.host();
            return Err(format!(
                "the key would go to {host} for everybody to read; the base address begins with `https://`"
            ));
        }
        let path = parts.path_and_query.map(|path| path.to_string()).unwrap_or_default();
        let path = path.trim_end_matches('/').to_owned();
        if path.contains('?') || !(path.is_empty() || is_plain(&path)) {
            return Err(format!("the base address has more than a path behind its host; {example}"));
        }
        Ok(Self { scheme, authority, path })
    }
}

/// Whether a path means the same to everybody who reads it: no part that leads up or nowhere, nothing encoded that could
/// be one.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let hidden = ["%2e", "%2f", "%5c", "%25", "%00", "\\", "#"];
    path.starts_with('/')
        && path[1..].split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !hidden.iter().any(|sign| lower.contains(sign))
}

fn fits(listed: &str, path: &str) -> bool {
    let (listed, path): (Vec<_>, Vec<_>) = (listed.split('/').collect(), path.split('/').collect());
    listed.len() == path.len() && listed.iter().zip(path).all(|(listed, part)| *listed == "*" || *listed == part)
}

fn is_key(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    matches!(name.as_str(), "key" | "api_key" | "api-key" | "apikey" | "access_token") || name.contains('%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Provider {
        Provider::of(name, &ProviderSettings::known(name, "real".into()).unwrap()).unwrap()
    }

    #[test]
    fn each_known_provider_gets_its_key_as_it_wants_it_and_answers_for_models_alone() {
        for (name, carried, path, target) in [
            ("anthropic", "real", "/v1/messages", "https://api.anthropic.com/v1/messages"),
            ("openai", "Bearer real", "/responses", "https://api.openai.com/v1/responses"),
            (
                "gemini",
                "real",
                "/v1beta/models/pro:streamGenerateContent",
                "https://generativelanguage.googleapis.com/v1beta/models/pro:streamGenerateContent",
            ),
        ] {
            let provider = known(name);
            assert_eq!(provider.value().to_str().unwrap(), carried);
            assert_eq!(provider.target(path, None).unwrap(), target);
            for other in ["/v1/files", "/v1/organizations", "/files", "/", "/v1/messages/batches"] {
                assert_eq!(provider.target(other, None), None, "{name} {other}");
            }
            assert!(!format!("{provider:?}").contains("real"));
        }
    }

    #[test]
    fn a_path_leads_down_and_nowhere_else() {
        let settings =
            ProviderSettings { paths: Vec::new(), ..ProviderSettings::known("openai", "real".into()).unwrap() };
        let any = Provider::of("any", &settings).unwrap();
        for path in [
            "",
            "responses",
            "//evil.example/x",
            "/../x",
            "/a/../../x",
            "/a/./b",
            "/a//b",
            "/%2e%2e/x",
            "/a%2fb",
            "/a%5Cb",
            "/a\\b",
            "/https://evil.example",
            "/a/",
            "/%252e%252e/x",
            "/a%00",
        ] {
            assert_eq!(any.target(path, None), None, "{path}");
        }
        let target = |query| any.target("/a/b.c", Some(query)).unwrap().to_string();
        assert_eq!(target("alt=sse&key=dummy&Key=x&%6bey=y"), "https://api.openai.com/v1/a/b.c?alt=sse");
        assert_eq!(target("key=dummy"), "https://api.openai.com/v1/a/b.c");
    }

    #[test]
    fn a_base_address_that_would_show_the_key_is_refused() {
        for (url, why) in [
            (
                "http://api.example.org",
                "the key would go to api.example.org for everybody to read; the base address begins with `https://`",
            ),
            (
                "http://localhost.evil.example",
                "the key would go to localhost.evil.example for everybody to read; the base address begins with `https://`",
            ),
            (
                "https://me:secret@host/",
                "the base address has a name or password in it; the key is `key`; write it as in `https://api.example.org/v1`",
            ),
            (
                "https://host/a?b=c",
                "the base address has more than a path behind its host; write it as in `https://api.example.org/v1`",
            ),
            (
                "api.example.org",
                "the base address has no `https://` and host; write it as in `https://api.example.org/v1`",
            ),
        ] {
            assert_eq!(ProviderSettings::check_base_url(url).unwrap_err(), why);
        }
        for url in ["http://127.0.0.1:8080/v1", "http://[::1]:1/", "http://localhost:9", "https://host:8443/a/b/"] {
            assert_eq!(ProviderSettings::check_base_url(url), Ok(()), "{url}");
        }
        let odd = ProviderSettings { key: "a\nb".into(), ..ProviderSettings::known("openai", "x".into()).unwrap() };
        assert!(!Provider::of("openai", &odd).unwrap_err().to_string().contains("a\nb"));
    }
}
