//! The one door for writes.
//!
//! A machine changes only through [`Store::apply`]: inbox, load, `step`, compare-and-swap, journal and outbox, in one
//! transaction. The effects that a step owes are rows of the outbox; a [`Pump`] claims them under a lease, lets the
//! lane's [`Performer`] act, and feeds the answer back through the same door.
//!
//! Three rules hold everything together:
//!
//! 1. Persist, then act. No transaction is ever held across IO of any other kind.
//! 2. A cause is applied at most once: a delivery by its id in the inbox, an effect by its outbox row, and only under
//!    the fencing token of the attempt that still holds the lease.
//! 3. An effect may be performed twice (a crash between act and record), so performers are written to find the work
//!    done; the effect's id is the idempotency key they hand to the outside world.

mod apply;
mod connection;
mod db;
mod journal;
mod outbox;
mod pump;
mod schema;
mod table;
mod transaction;
mod value;

pub use apply::{Applied, ApplyError, Created};
pub use db::{Backend, Store, StoreError, StoreSettings};
pub use journal::{JournalEntry, LOG_LINES_MAX, LogLine};
pub use outbox::{Claims, Debt, Lane, Leased};
pub use pump::{Owed, Performed, Performer, Pump, Pumping};
pub use schema::{SchemaStep, Standing, schema_steps};
pub use table::{Route, Table};
pub use value::{Arg, Row, Statement};
