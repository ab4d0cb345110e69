//! A picture that somebody attached reaches the agent in its cage, and nothing else.

use super::office::Office;

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n a broken login page";

/// Looks at the picture that its prompt names, says what it saw in a file, and tries to paint over it.
const LOOKER: &str = r#"
[agents.looker]
kind = "command"
plan = ["/bin/sh", "-c", '''
test -r "$DOWNBEAT_PICTURES/1.png" && echo '{"summary": "Write down what the picture shows", "paths": ["seen.txt"]}'
''']
command = ["/bin/sh", "-c", '''
named=$(sed -n 's/^The pictures that it names are files in \([^,]*\),.*/\1/p' "$DOWNBEAT_PROMPT_FILE")
od -An -v -tx1 "$named/1.png" | tr -d ' \n' > seen.txt
test "$named" = "$DOWNBEAT_PICTURES" || echo other >> seen.txt
(echo paint > "$named/1.png") 2>/dev/null && echo painted >> seen.txt
(echo paint > "$named/2.png") 2>/dev/null && echo added >> seen.txt
true
''']
"#;

pub fn an_attached_picture_is_looked_at_in_the_cage_and_never_committed() {
    let office = Office::usual();
    let config = std::fs::read_to_string(office.world.path("downbeat.toml")).unwrap();
    office.world.write("downbeat.toml", &format!("{config}{LOOKER}"));
    let kept = || std::fs::read_dir(office.world.path("state/pictures")).map_or(0, |kept| kept.flatten().count());
    let instance = office.up();
    let slack = &office.slack;
    let words = "@agent write down what you see agent=looker";
    let mention = slack.attach(("dev", None), "ana", words, ("shot.png", PICTURE));
    let thread = slack.until(&mention, "[Approve and run]").replace('\u{a0}', " ");
    assert!(thread.contains("1 picture"), "the receipt tells of it:\n{thread}");
    assert_eq!(kept(), 1);
    instance.stop();
    let instance = office.up();
    slack.click(&slack.find(&mention, "[Approve and run]"), "ben", "Approve and run").answered().unwrap();
    slack.until(&mention, "[Merge]");
    slack.click(&slack.find(&mention, "[Merge]"), "ben", "Merge").answered().unwrap();
    slack.until(&mention, "is merged into main");
    let seen: String = PICTURE.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(office.landed("seen.txt").as_deref(), Some(seen.as_str()));
    assert_eq!(office.landed("1.png"), None, "no picture is committed");
    assert!(instance.stop().status.success());
    assert_eq!(kept(), 0, "they go with the workspace");
}
