//! Sends edits: of each message only what it is to say last, the most urgent first, as many as Slack takes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;
use store::StoreError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::chat::messenger::Said;

use super::UNPOISONED;
use super::client::SlackError;
use super::messenger::{Rendered, SlackMessenger};
use super::schedule::pass;
use super::table::{self, Kept};

/// The pause after an edit that Slack did not answer; meanwhile something newer may replace it.
const PAUSE: Duration = Duration::from_secs(3);

/// The edits that are owed.
#[derive(Default)]
pub struct Editor {
    pending: Mutex<Pending>,
    wake: Notify,
}

#[derive(Default)]
struct Pending {
    /// By the message's key.
    edits: BTreeMap<String, Edit>,
    /// How many were ever wanted, so that the one that waits longest is known.
    n: u64,
}

#[derive(Clone)]
struct Edit {
    kept: Kept,
    said: Said,
    /// Its place among those of the same urgency.
    n: u64,
    /// Which of all wishes it is: the same words may be wanted again, where their blocks are others by now.
    wish: u64,
}

impl Editor {
    /// A message is to say this now.
    pub fn want(&self, kept: Kept, said: Said) {
        let mut pending = self.pending.lock().expect(UNPOISONED);
        pending.n += 1;
        // A message that has waited keeps its place, whatever it is to say by now.
        let n = pending.edits.get(&kept.key).map_or(pending.n, |waiting| waiting.n);
        let wish = pending.n;
        pending.edits.insert(kept.key.clone(), Edit { kept, said, n, wish });
        drop(pending);
        self.wake.notify_one();
    }

    /// The most urgent of the edits, of those the one that waits longest.
    fn first(&self) -> Option<Edit> {
        let pending = self.pending.lock().expect(UNPOISONED);
        pending.edits.values().max_by_key(|edit| (edit.said.urgency, std::cmp::Reverse(edit.n))).cloned()
    }

    /// It is sent, unless the message is to say something else by now.
    fn settle(&self, sent: &Edit) {
        let mut pending = self.pending.lock().expect(UNPOISONED);
        if pending.edits.get(&sent.kept.key).is_some_and(|waiting| waiting.wish == sent.wish) {
            pending.edits.remove(&sent.kept.key);
        }
    }

    /// Takes up what was owed when the process ended.
    pub async fn resume(&self, messenger: &SlackMessenger) -> Result<(), StoreError> {
        for kept in table::wanted(&messenger.store).await? {
            if let Some(said) = kept.wanted.clone() {
                self.want(kept, said);
            }
        }
        Ok(())
    }

    /// Sends edits until `stop` fires; what is left then is written down.
    pub async fn run(&self, messenger: &SlackMessenger, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.first() {
                None => None,
                Some(edit) => match messenger.client.schedule().try_turn("chat.update", edit.said.urgency) {
                    Ok(()) => match self.send(messenger, &edit).await {
                        Ok(()) => continue,
                        Err(_) => Some(PAUSE),
                    },
                    Err(wait) => Some(wait),
                },
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = async { match wait {
                    Some(wait) => pass(wait).await,
                    None => std::future::pending().await,
                } } => {}
            }
        }
    }

    async fn send(&self, messenger: &SlackMessenger, edit: &Edit) -> Result<(), SlackError> {
        let Edit { kept, said, .. } = edit;
        let Some(ts) = &kept.ts else {
            self.settle(edit);
            return Ok(());
        };
        // Without `text`: with one, Slack marks the message as edited.
        let body = |rendered: Rendered| json!({ "channel": kept.channel, "ts": ts, "blocks": rendered.blocks });
        let sent = messenger.send("chat.update", said, (&kept.channel, &kept.key), body).await;
        let written = match &sent {
            Ok(_) => table::shown(&messenger.store, &kept.key, said).await,
            Err(error @ SlackError::Refused { .. }) => {
                tracing::warn!("the message {} in Slack stays as it is: {error}", kept.key);
                table::settled(&messenger.store, &kept.key, said).await
            }
            Err(SlackError::Away { .. } | SlackError::Limited { .. }) => return sent.map(drop),
        };
        if let Err(error) = written {
            // It is sent once more after a restart, which changes nothing.
            tracing::warn!("an edit in Slack could not be written down: {error}");
        }
        self.settle(edit);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::chat::messenger::Urgency;

    use super::*;

    fn kept(key: &str) -> Kept {
        Kept::posted(key, ("C", "1.0"), "1.1")
    }

    fn said(text: &str, urgency: Urgency) -> Said {
        Said { urgency, ..Said::words(text) }
    }

    #[test]
    fn of_each_message_the_newest_is_sent_and_the_most_urgent_goes_first() {
        let editor = Editor::default();
        editor.want(kept("a"), said("a1", Urgency::Progress));
        editor.want(kept("b"), said("b1", Urgency::Progress));
        editor.want(kept("a"), said("a2", Urgency::Progress));
        editor.want(kept("c"), said("c1", Urgency::End));
        let mut order = Vec::new();
        while let Some(edit) = editor.first() {
            order.push(edit.said.text());
            editor.settle(&edit);
        }
        assert_eq!(order, ["c1", "a2", "b1"]);
    }

    #[test]
    fn what_is_wanted_while_an_edit_is_on_its_way_is_not_lost() {
        let editor = Editor::default();
        editor.want(kept("a"), said("a1", Urgency::Change));
        let on_its_way = editor.first().expect("one waits");
        editor.want(kept("a"), said("a2", Urgency::Change));
        editor.settle(&on_its_way);
        assert_eq!(editor.first().map(|edit| edit.said.text()).as_deref(), Some("a2"));
        let on_its_way = editor.first().expect("one waits");
        editor.want(kept("a"), said("a2", Urgency::Change));
        editor.settle(&on_its_way);
        assert!(editor.first().is_some(), "the same words, laid out anew");
    }
}
