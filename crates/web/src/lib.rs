//! Shows tasks and merge queues over HTTP, for people as pages and for programs as JSON. Read only.
//!
//! [`router`] is everything that can be asked for, [`serve`] answers until it is told to stop. A page is made in two
//! steps: [`board`] and [`task_view`] gather what the store holds into plain values, the folder `pages` puts them into
//! the templates, and [`report`] into text for terminals. The words for a state stand in one place, [`standing`], so that the page and the JSON say the same.
//!
//! **Invariant:** this crate has no rules of its own: it renders views. It is guarded by what it is given: nothing here
//! calls `apply`.
//!
//! **Invariant:** what people, agents and checks wrote is shown as text, never as markup. The templates escape every
//! value, and no page may run a script: the policy of [`guard`] allows none at all.
//!
//! Who may look is whoever reaches the listener, so the caller binds it to 127.0.0.1. [`guard`] keeps foreign pages in
//! the same browser from reading along.

pub mod router;
pub mod serve;

mod api;
mod board;
mod costs;
mod evidence;
mod failure;
mod guard;
mod health;
mod moment;
mod pages;
mod queues;
mod reads;
pub mod report;
mod standing;
mod task_view;
mod timeline;

pub use costs::report_costs;
pub use moment::printed;
pub use reads::STATEMENTS;
pub use report::Report;
pub use router::{WebSettings, WebState, router};
pub use serve::serve;
