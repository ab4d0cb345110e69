//! Slack's own way of writing, turned into the words that people see, and the mention turned into ours.
//!
//! Source: <https://docs.slack.dev/messaging/formatting-message-text>. `&`, `<` and `>` arrive escaped, and everything
//! between `<` and `>` is a link, a person, a channel or a group.

/// The words of a message as a person reads them. `name_of` tells how a user is called; `me` is our own user, whose mention
/// becomes `mention`.
pub fn plain(text: &str, (me, mention): (&str, &str), name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let Some(end) = rest[at..].find('>') else { break };
        out.push_str(&unescaped(&rest[..at]));
        let inside = &rest[at + 1..at + end];
        out.push_str(&meant(inside, (me, mention), name_of));
        rest = &rest[at + end + 1..];
    }
    out + &unescaped(rest)
}

fn meant(inside: &str, (me, mention): (&str, &str), name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
    let label = label.filter(|label| !label.is_empty()).map(unescaped);
    let hash = |name: String| if name.starts_with(['#', '@']) { name } else { format!("#{name}") };
    let at = |name: String| if name.starts_with('@') { name } else { format!("@{name}") };
    match target.split_at_checked(1) {
        Some(("@", user)) if user == me => mention.to_owned(),
        Some(("@", user)) => at(name_of(user).or(label).unwrap_or_else(|| user.to_owned())),
        Some(("#", channel)) => hash(label.unwrap_or_else(|| channel.to_owned())),
        Some(("!", special)) => {
            let name = special.split(['^', '|']).next().unwrap_or_default();
            label.unwrap_or_else(|| at(name.to_owned()))
        }
        _ => {
            let url = unescaped(target);
            match label {
                Some(label)
                    if url == label
                        || url.strip_prefix("mailto:") == Some(&label)
                        || url.ends_with(&format!("://{label}")) =>
                {
                    label_or_url(label, url)
                }
                Some(label) => format!("{label} ({url})"),
                None => url,
            }
        }
    }
}

/// A link whose label only leaves out its scheme: the address where there is one, the label for a mail address.
fn label_or_url(label: String, url: String) -> String {
    if url.starts_with("mailto:") { label } else { url }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Words that call us, with the mention in front, wherever in them it stood.
pub fn addressed(text: &str, me: &str) -> Option<String> {
    let call = format!("<@{me}>");
    let labelled = format!("<@{me}|");
    let (before, after) = match (text.find(&call), text.find(&labelled)) {
        (Some(at), _) => (&text[..at], &text[at + call.len()..]),
        (None, Some(at)) => (&text[..at], text[at..].split_once('>')?.1),
        (None, None) => return None,
    };
    let words = format!("{} {}", before.trim(), after.trim_start_matches([',', ':']).trim());
    Some(format!("{call} {}", words.trim()).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let names = |user: &str| (user == "U1").then(|| "ana".to_owned());
        plain(text, ("UBOT", "@agent"), &names)
    }

    #[test]
    fn what_people_see_is_what_is_read() {
        for (written, seen) in [
            ("<@UBOT> fix &lt;a&gt; &amp; b", "@agent fix <a> & b"),
            ("ask <@U1> or <@U2|ben> or <@U3>", "ask @ana or @ben or @U3"),
            ("in <#C1|general> and <#C2>", "in #general and #C2"),
            ("<!here> <!subteam^S1|@crew> <!date^1^{date}|today>", "@here @crew today"),
            ("see <https://x.org/a?b=1&amp;c=2>", "see https://x.org/a?b=1&c=2"),
            (
                "<https://x.org|x.org> <https://x.org|the docs> <mailto:a@b.c|a@b.c>",
                "https://x.org the docs (https://x.org) a@b.c",
            ),
            ("a < b", "a < b"),
            ("&amp;lt;", "&lt;"),
            ("1 &lt; 2 <", "1 < 2 <"),
            ("<>", ""),
        ] {
            assert_eq!(read(written), seen, "{written}");
        }
    }

    #[test]
    fn a_mention_anywhere_is_a_call() {
        assert_eq!(addressed("<@UBOT> fix it", "UBOT").as_deref(), Some("<@UBOT> fix it"));
        assert_eq!(addressed("could <@UBOT|agent>, fix it?", "UBOT").as_deref(), Some("<@UBOT> could fix it?"));
        assert_eq!(addressed("<@U1> fix it", "UBOT"), None);
        assert_eq!(addressed("<@UBOT>", "UBOT").as_deref(), Some("<@UBOT>"));
    }
}
