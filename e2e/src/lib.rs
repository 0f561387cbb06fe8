//! End-to-end: an installation of the controllers in the lab, and the delivery of a push followed by its spans.

mod announcement;
mod application;
mod binaries;
mod delivery;
mod installation;

pub use application::{APPLICATION, WorkTree};
pub use binaries::Binaries;
pub use delivery::{STEPS, Seen, Step, follow};
pub use installation::{Installation, NAMESPACE};
