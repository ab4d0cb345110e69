//! `[context]`: how much of a thread an agent gets to read.

use serde::Deserialize;

use super::key::Absent::Default;
use super::key::Applied::AtReload;
use super::key::{Form, Key};
use crate::chat::context::ContextLimits;

/// How much of a thread is taken along.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextConfig {
    /// The newest so many messages.
    pub messages: usize,
    /// So many kilobytes of them, the newest first.
    pub kb: usize,
    /// So many of the files that are attached to them.
    pub files: usize,
    /// So many kilobytes of each.
    pub file_kb: usize,
    /// So many of the pictures that are attached to them.
    pub pictures: usize,
    /// So many megabytes of the largest of them.
    pub picture_mb: usize,
}

impl ContextConfig {
    /// The same, for who reads threads.
    pub fn limits(&self) -> ContextLimits {
        let Self { messages, kb, files, file_kb, pictures, picture_mb } = *self;
        ContextLimits {
            messages_max: messages,
            bytes_max: kb * 1_000,
            files_max: files,
            file_bytes_max: file_kb * 1_000,
            pictures_max: pictures,
            picture_bytes_max: picture_mb * 1_000_000,
        }
    }
}

/// `[context]`.
pub(super) const CONTEXT: &[Key] = &[
    Key::new(
        "messages",
        Form::Whole { min: 0, max: 1_000 },
        Default("50"),
        AtReload,
        "The newest messages of the thread that an agent reads: what a person would read before answering.",
    ),
    Key::new(
        "kb",
        Form::Whole { min: 0, max: 1_000 },
        Default("20"),
        AtReload,
        "Kilobytes of them, the newest first: what fits any model beside the work.",
    ),
    Key::new(
        "files",
        Form::Whole { min: 0, max: 50 },
        Default("5"),
        AtReload,
        "Text files attached to them that it reads too: a log, a config, a design, and room for two more.",
    ),
    Key::new(
        "file_kb",
        Form::Whole { min: 1, max: 1_000 },
        Default("30"),
        AtReload,
        "Kilobytes of each such file, from its beginning; a longer one belongs into the repository.",
    ),
    Key::new(
        "pictures",
        Form::Whole { min: 0, max: 50 },
        Default("5"),
        AtReload,
        "Pictures attached to them that it may look at (png, jpeg, gif, webp): before and after on two screens, and one to compare.",
    ),
    Key::new(
        "picture_mb",
        Form::Whole { min: 1, max: 100 },
        Default("5"),
        AtReload,
        "Megabytes of the largest of them: a screenshot takes one, a model reads none that is larger.",
    ),
];
