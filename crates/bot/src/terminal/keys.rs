//! What keys do: editing, history, completion, the terminal's own commands, and saying what was written.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::InputRequest;

use super::completion::{COMMANDS, complete};
use super::link::Saying;
use super::row::{Row, Tone};
use super::transcript::MARGIN;
use super::view::{Offer, Reach, Search, View, Wish};
use crate::clock::fresh_name;

/// How many things may be said and not answered yet: more are no conversation.
const UNANSWERED_MAX: usize = 100;

const HELP: [&str; 5] = [
    "Say `@agent fix the login` to ask for work, a number to press a button, and `help` for all commands.",
    "Tab completes, Tab twice lists; the arrow up and Ctrl-R find what you said before; Alt-Enter begins a new line.",
    "/thread NAME goes to another thread, /threads lists them, /all shows every thread.",
    "A line that begins with a space is said, but not kept in the history.",
    "Ctrl-C, Ctrl-D or /quit leave.",
];

impl View {
    /// Takes in a key.
    pub fn take_key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.note = None;
        if self.search.is_some() {
            return self.take_search_key(key);
        }
        let offer = self.offer.take();
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let is_alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if is_ctrl && !is_alt => self.take_control(c),
            KeyCode::Enter if is_alt => self.write("\n"),
            KeyCode::Enter => self.enter(),
            KeyCode::Tab => self.complete(offer),
            KeyCode::Up => self.recall(Way::Back),
            KeyCode::Down => self.recall(Way::Forward),
            KeyCode::Char(c) if !is_alt => self.write(c.encode_utf8(&mut [0; 4])),
            code => {
                if let Some(request) = motion(code, is_ctrl || is_alt) {
                    self.edit.apply(request);
                }
            }
        }
    }

    /// Takes in pasted text; nothing of it is sent.
    pub fn take_paste(&mut self, text: &str) {
        self.note = None;
        self.offer = None;
        self.search = None;
        // A line that was copied whole ends with its break, which nobody means.
        let text = text.strip_suffix('\n').unwrap_or(text);
        self.write(text.strip_suffix('\r').unwrap_or(text));
    }

    fn write(&mut self, text: &str) {
        self.note = self.edit.insert(text).err().map(|too_long| too_long.to_string());
    }

    fn take_control(&mut self, key: char) {
        match key {
            'c' if self.edit.is_empty() => self.wish(Wish::Leave),
            'c' => drop(self.edit.take()),
            'd' if self.edit.is_empty() => self.wish(Wish::Leave),
            'd' => self.edit.apply(InputRequest::DeleteNextChar),
            'j' => self.write("\n"),
            'l' => self.wish(Wish::Repaint),
            'p' => self.recall(Way::Back),
            'n' => self.recall(Way::Forward),
            'r' => self.search = Some(Search::default()),
            'a' => self.edit.apply(InputRequest::GoToStart),
            'e' => self.edit.apply(InputRequest::GoToEnd),
            'b' => self.edit.apply(InputRequest::GoToPrevChar),
            'f' => self.edit.apply(InputRequest::GoToNextChar),
            'h' => self.edit.apply(InputRequest::DeletePrevChar),
            'w' => self.edit.apply(InputRequest::DeletePrevWord),
            'u' => self.edit.apply(InputRequest::DeleteFromStart),
            'k' => self.edit.apply(InputRequest::DeleteTillEnd),
            'y' => self.edit.apply(InputRequest::Yank),
            _ => {}
        }
    }

    fn recall(&mut self, way: Way) {
        let line = match way {
            Way::Back => self.history.go_back(self.edit.text()),
            Way::Forward => self.history.go_forward(),
        };
        if let Some(line) = line.map(str::to_owned) {
            self.edit.set(&line);
        }
    }

    fn take_search_key(&mut self, key: KeyEvent) {
        let Some(mut search) = self.search.take() else { return };
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let found = self.history.find(&search.words, search.nth).map(str::to_owned);
        match key.code {
            KeyCode::Char('r') if is_ctrl => {
                let has_older = self.history.find(&search.words, search.nth + 1).is_some();
                search.nth += usize::from(has_older);
                self.search = Some(search);
            }
            KeyCode::Char('c' | 'g') if is_ctrl => {}
            KeyCode::Esc => {}
            KeyCode::Char(c) if !is_ctrl => {
                search.words.push(c);
                self.search = Some(Search { nth: 0, ..search });
            }
            KeyCode::Backspace => {
                search.words.pop();
                self.search = Some(Search { nth: 0, ..search });
            }
            code => {
                if let Some(found) = found.filter(|_| !search.words.is_empty()) {
                    self.edit.set(&found);
                }
                if code != KeyCode::Enter {
                    self.take_key(key);
                }
            }
        }
    }

    fn complete(&mut self, offer: Option<Offer>) {
        if let Some(offer) = offer {
            self.offer = Some(Offer { is_listed: true, ..offer });
            return;
        }
        let completion = complete(self.edit.before(), &self.vocabulary());
        let written = self.edit.before()[completion.start..].to_owned();
        if let Some(common) = completion.common().filter(|common| common.len() >= written.len() && !common.is_empty()) {
            self.note = self.edit.replace_from(completion.start, &common).err().map(|error| error.to_string());
        }
        if completion.candidates.len() > 1 {
            self.offer = Some(Offer { candidates: completion.candidates, is_listed: false });
        }
    }

    fn enter(&mut self) {
        let text = self.edit.text().trim().to_owned();
        let (name, words) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        if text.is_empty() {
            drop(self.edit.take());
        } else if is_command(name) {
            self.run_command(name, words.trim());
        } else {
            self.say(text);
        }
    }

    fn say(&mut self, text: String) {
        if matches!(self.reach, Reach::Lost { .. }) {
            self.note = Some("not connected: the line stays here, and Enter tries again".to_owned());
            return self.wish(Wish::Connect);
        }
        if self.unanswered.len() >= UNANSWERED_MAX {
            self.note = Some(format!("{UNANSWERED_MAX} messages wait for an answer: the line stays here"));
            return;
        }
        self.keep_line();
        let saying = Saying { delivery: fresh_name(), thread: self.thread.clone(), text };
        self.unanswered.push_back(saying.clone());
        self.wish(Wish::Say(saying));
    }

    /// Empties the edit line, and keeps what stood there.
    fn keep_line(&mut self) {
        let line = self.edit.take();
        if let Err(error) = self.history.keep(line.trim_end()) {
            self.note = Some(format!("the history cannot be written: {error}"));
        }
    }

    fn run_command(&mut self, name: &str, words: &str) {
        match (name, words.trim_start_matches('#')) {
            ("/thread", "") => return self.refuse_command("say which, as in `/thread web`"),
            ("/thread", thread) if thread.contains(char::is_whitespace) => {
                return self.refuse_command("a thread's name is one word");
            }
            ("/thread", thread) => self.go_to(thread),
            ("/threads", _) => self.list_threads(),
            ("/all", _) => self.show_all(),
            ("/help", _) => HELP.iter().for_each(|line| self.say_aside(line)),
            ("/quit", _) => self.wish(Wish::Leave),
            _ => return self.refuse_command(&format!("there is no command `{name}`; /help shows them")),
        }
        self.keep_line();
    }

    fn refuse_command(&mut self, why: &str) {
        self.note = Some(why.to_owned());
    }

    fn list_threads(&mut self) {
        let mut threads = self.welcome.threads.clone();
        if !threads.contains(&self.thread) {
            threads.insert(0, self.thread.clone());
        }
        for thread in threads {
            let news = match self.unread.get(&thread) {
                Some(n) => format!("  {n} new"),
                None if thread == self.thread => "  here".to_owned(),
                None => String::new(),
            };
            let row = Row::of(Tone::Plain, &format!("{:MARGIN$}#{thread}", ""));
            self.push(row.and(Tone::Quiet, &news));
        }
    }

    fn show_all(&mut self) {
        self.shows_all = !self.shows_all;
        if self.shows_all {
            self.unread.clear();
            self.say_aside("every thread is shown; what you say goes to this one");
        } else {
            self.say_aside(&format!("only #{} is shown", self.thread));
        }
    }
}

/// Which way through the history.
#[derive(Clone, Copy)]
enum Way {
    Back,
    Forward,
}

/// A path as `/etc/hosts` is talk; a single word after the slash is meant for the terminal.
fn is_command(name: &str) -> bool {
    let is_known = COMMANDS.iter().any(|(known, _)| *known == name);
    is_known || name.strip_prefix('/').is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase()))
}

fn motion(code: KeyCode, by_word: bool) -> Option<InputRequest> {
    let request = match (code, by_word) {
        (KeyCode::Left, false) => InputRequest::GoToPrevChar,
        (KeyCode::Right, false) => InputRequest::GoToNextChar,
        (KeyCode::Left | KeyCode::Char('b'), true) => InputRequest::GoToPrevWord,
        (KeyCode::Right | KeyCode::Char('f'), true) => InputRequest::GoToNextWord,
        (KeyCode::Home, _) => InputRequest::GoToStart,
        (KeyCode::End, _) => InputRequest::GoToEnd,
        (KeyCode::Backspace, false) => InputRequest::DeletePrevChar,
        (KeyCode::Backspace, true) => InputRequest::DeletePrevWord,
        (KeyCode::Delete, false) => InputRequest::DeleteNextChar,
        (KeyCode::Delete | KeyCode::Char('d'), true) => InputRequest::DeleteNextWord,
        _ => return None,
    };
    Some(request)
}
