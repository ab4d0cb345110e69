//! Pictures that people attached to what they said, kept for agents to look at.
//!
//! ```text
//! pictures/<request>/1.png     written before the task is created, removed when it ends with its workspace
//! ```
//!
//! They stand beside the working trees and never in one, so that no commit can hold them. A cage may read those of its own
//! request and write none.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use domain::DeliveryId;
use sha2::{Digest, Sha256};

use super::WorkspaceError;
use super::disk::{disk, off_the_runtime, remove_dir};

/// How many characters of a delivery's hash name the directory of its pictures: 64 bits, which no two requests share.
const NAME_CHARS: usize = 16;

/// A picture that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The name of its file, such as `1.png`.
    pub file: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Where all pictures of an installation stand.
#[derive(Clone, Debug)]
pub struct Pictures {
    root: PathBuf,
}

/// How the file of a picture ends, by what is in it; none for what agents do not read as a picture.
pub fn extension_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("png"),
        [0xff, 0xd8, 0xff, ..] => Some("jpg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("webp"),
        _ => None,
    }
}

impl Pictures {
    /// Pictures below `root`, which is made when it is needed. Nothing else may be kept there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Keeps the pictures of the request that came with this delivery, and says under which name. They are on the disk when
    /// this returns. Whoever tries the same delivery again keeps them anew under the same name.
    pub async fn keep(&self, delivery: &DeliveryId, pictures: Vec<Picture>) -> Result<String, WorkspaceError> {
        let name = name_of(delivery);
        let dir = self.root.join(&name);
        remove_dir(dir.clone()).await?;
        off_the_runtime(move || {
            let kept = || -> io::Result<()> {
                fs::create_dir_all(&dir)?;
                for Picture { file, bytes } in &pictures {
                    let mut file = File::create(dir.join(file))?;
                    file.write_all(bytes)?;
                    file.sync_all()?;
                }
                File::open(&dir)?.sync_all()
            };
            kept().map_err(|error| disk(&dir, &error))
        })
        .await?;
        Ok(name)
    }

    /// Where pictures stand that were kept under this name; none where they are gone.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        Some(self.root.join(name)).filter(|dir| dir.is_dir())
    }

    /// Removes the pictures of one request; none is fine.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), WorkspaceError> {
        remove_dir(self.root.join(name)).await
    }

    /// Removes all but those under these names, and says of how many requests.
    pub async fn remove_orphans(&self, live: &BTreeSet<String>) -> Result<usize, WorkspaceError> {
        let names: Vec<_> = match fs::read_dir(&self.root) {
            Ok(entries) => entries.flatten().map(|entry| entry.file_name()).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(disk(&self.root, &error)),
        };
        let orphans: Vec<_> =
            names.into_iter().filter(|name| !name.to_str().is_some_and(|name| live.contains(name))).collect();
        for name in &orphans {
            remove_dir(self.root.join(name)).await?;
        }
        Ok(orphans.len())
    }
}

fn name_of(delivery: &DeliveryId) -> String {
    let hash = Sha256::digest(delivery.as_str().as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..NAME_CHARS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_what_is_in_it() {
        let known: [(&[u8], &str); 4] = [
            (b"\x89PNG\r\n\x1a\n\0", "png"),
            (b"\xff\xd8\xff\xe0", "jpg"),
            (b"GIF89a", "gif"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "webp"),
        ];
        for (bytes, extension) in known {
            assert_eq!(extension_of(bytes), Some(extension));
        }
        for other in [&b""[..], b"<svg/>", b"RIFF\x10\0\0\0WAVE", b"%PDF-1.7", b"\x89PNG"] {
            assert_eq!(extension_of(other), None, "{other:?}");
        }
    }
}
