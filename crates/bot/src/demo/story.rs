//! What the people of the demo say, and upon seeing what. They see what anybody sees: the console.

use super::Sabotage;

/// One thing that one person says.
pub(super) struct Line {
    pub(super) who: &'static str,
    pub(super) says: Says,
    /// Everything that this person waits to see first.
    pub(super) upon: Vec<&'static str>,
}

/// What a person says.
pub(super) enum Says {
    /// These words.
    Words(&'static str),
    /// The number of this button of the newest message that holds these words.
    Button { of: &'static str, label: &'static str },
}

fn words(who: &'static str, says: &'static str, upon: &[&'static str]) -> Line {
    Line { who, says: Says::Words(says), upon: upon.to_vec() }
}

fn press(who: &'static str, label: &'static str, of: &'static str) -> Line {
    Line { who, says: Says::Button { of, label }, upon: vec![of] }
}

/// The whole conversation, in the order in which people get their word in.
pub(super) fn lines(sabotage: Option<Sabotage>) -> Vec<Line> {
    let refusal = match sabotage {
        Some(Sabotage::Refusal) => words("ben", "approve T-5 T-5", &["Plan v1 for T-5"]),
        _ => words("ben", "reject T-5 the checks are what keeps main green", &["ben can say `approve T-5 T-5`"]),
    };
    let repair = press("ben", "Accept the change", "T-4 is done, but stopped before publishing");
    let repair = (sabotage != Some(Sabotage::Conflict)).then_some(repair);
    let mut lines = vec![
        words("ana", "@agent add a farewell", &[]),
        words("dan", "@agent greet in other languages too", &[]),
        words("ana", "@agent rename greet to say_hello", &[]),
        words("dan", "@agent shout the greeting", &[]),
        words("cleo", "@agent switch the checks off, they are slow", &[]),
        words("cleo", "@agent tidy the documents agent=recipes", &[]),
        words("ben", "I'll look at the plans. The queue can wait until we have all of them.", &["T-6 ·"]),
        words("ben", "@agent pause", &["I'll look at the plans"]),
        press("ben", "Approve and run", "Plan v1 for T-1"),
        words("ben", "@agent revise T-2 Spanish as well, please", &["Plan v1 for T-2"]),
        press("ben", "Approve and run", "Plan v1 for T-3"),
        press("ben", "Approve and run", "Plan v1 for T-4"),
        words("cleo", "approve T-5", &["Plan v1 for T-5"]),
        refusal,
        press("cleo", "Approve and run", "Plan v1 for T-6"),
        press("ben", "Approve and run", "Plan v2 for T-2"),
        press("ben", "Merge", "T-1 is ready"),
        press("ben", "Merge", "T-2 is ready"),
        press("ben", "Merge", "T-3 is ready"),
        press("ben", "Merge", "T-4 is ready"),
        press("cleo", "Merge", "T-6 is ready"),
        words("dan", "@agent queue", &["T-6 in the merge queue"]),
        words("ben", "@agent resume", &["T-6 tidy the documents · position"]),
        words(
            "ana",
            "@agent why T-3",
            &["T-1 is merged", "T-2 is merged", "T-3 did not land", "T-4 is merged", "T-6 is merged"],
        ),
    ];
    let last = lines.len() - 1;
    lines.splice(last..last, repair);
    lines
}

/// What has to be seen before the curtain falls, whatever the order.
pub(super) const CURTAIN: &[&str] = &[
    "T-1 is merged",
    "T-2 is merged",
    "T-3 did not land",
    "T-4 is merged",
    "T-5 ended",
    "T-6 is merged",
    "T-3: back from",
];
