//! Puts rows and the live region on a terminal. Rows go to the terminal's own scrollback and are never touched again;
//! only the region at the bottom is taken away and painted anew.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Once;

use crossterm::cursor::{Hide, MoveToColumn, MoveUp, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};

use super::region::{Region, Size};
use super::row::Row;

/// What a terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Whether text may have tones.
    pub has_colors: bool,
    /// Whether it breaks the rows that no longer fit when it becomes narrower, rather than cutting them off.
    pub breaks_rows: bool,
}

impl Abilities {
    /// What the environment tells: `NO_COLOR` is what people set; xterm, the Linux console and screen cut rows off.
    pub fn find() -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let term = std::env::var("TERM").unwrap_or_default();
        let cuts = is_set("XTERM_VERSION") || term == "linux" || term.starts_with("screen") && !is_set("TMUX");
        Self { has_colors: !is_set("NO_COLOR"), breaks_rows: !cuts }
    }
}

/// A terminal in raw mode; given back as it was when this is dropped, or when the program panics.
pub struct Painter {
    /// A whole picture is written at once.
    out: BufWriter<Stdout>,
    abilities: Abilities,
    size: Size,
    /// What stands at the bottom now.
    region: Region,
}

/// What a picture takes at most, but for long messages: a few hundred columns of a hundred rows.
const PICTURE_BYTES: usize = 64 << 10;

static PANIC_HOOK: Once = Once::new();

impl Painter {
    /// Takes the terminal of standard input and output over.
    pub fn take_over(size: Size, abilities: Abilities) -> io::Result<Self> {
        // A panic's message would come out as stairs, and the shell would stay without echo.
        PANIC_HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                usual(panic);
            }));
        });
        enable_raw_mode()?;
        let mut painter = Self {
            out: BufWriter::with_capacity(PICTURE_BYTES, io::stdout()),
            abilities,
            size,
            region: Region::default(),
        };
        execute!(painter.out, EnableBracketedPaste)?;
        Ok(painter)
    }

    /// Shows new rows above the region, and the region as it is now.
    pub fn paint(&mut self, rows: &[Row], region: Region) -> io::Result<()> {
        if rows.is_empty() && region == self.region {
            return Ok(());
        }
        queue!(self.out, BeginSynchronizedUpdate, Hide)?;
        self.clear_region()?;
        let columns = self.size.columns;
        for row in rows.iter().flat_map(|row| row.wrapped(columns)) {
            self.print(&row)?;
            queue!(self.out, Print("\r\n"))?;
        }
        for (n, row) in region.rows.iter().enumerate() {
            if n > 0 {
                queue!(self.out, Print("\r\n"))?;
            }
            self.print(row)?;
        }
        queue!(self.out, MoveToColumn(cells(region.column)), Show, EndSynchronizedUpdate)?;
        self.region = region;
        self.out.flush()
    }

    /// The terminal has another size, or something else wrote on it: what stands at the bottom is painted anew.
    pub fn repaint(&mut self, size: Size) -> io::Result<()> {
        self.size = size;
        queue!(self.out, BeginSynchronizedUpdate)?;
        self.clear_region()?;
        queue!(self.out, EndSynchronizedUpdate)
    }

    /// The size that was painted for.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Goes up to where the region begins and clears from there. Most terminals break rows that no longer fit after
    /// they have become narrower: then each row counts as many times as it fills the width.
    fn clear_region(&mut self) -> io::Result<()> {
        let region = std::mem::take(&mut self.region);
        let width = self.size.columns.max(1);
        let above = &region.rows[..region.rows.len().saturating_sub(1)];
        let up = match self.abilities.breaks_rows {
            true => above.iter().map(|row| row.width().div_ceil(width).max(1)).sum::<usize>() + region.column / width,
            false => above.len(),
        };
        if up > 0 {
            queue!(self.out, MoveUp(cells(up)))?;
        }
        queue!(self.out, MoveToColumn(0), Clear(ClearType::FromCursorDown))
    }

    fn print(&mut self, row: &Row) -> io::Result<()> {
        let text = if self.abilities.has_colors { row.painted() } else { row.plain() };
        queue!(self.out, Print(text))
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        // The terminal may have gone; there is nobody to tell.
        let _ = self.clear_region();
        let _ = self.out.flush();
        give_back();
    }
}

/// Leaves a terminal as a shell expects it.
fn give_back() {
    // The terminal may have gone; there is nobody to tell.
    let _ = execute!(io::stdout(), Show, DisableBracketedPaste, EndSynchronizedUpdate);
    let _ = disable_raw_mode();
}

fn cells(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}
