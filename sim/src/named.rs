//! What a step asks for, without what it does not name.
//!
//! The kernel leaves in its outbox what earlier steps asked for, and nobody looks at that. The hard
//! thing is that comparisons must not either: two steps ask for the same if they are equal and
//! these copies of their outboxes are.

use kcore::{Common, Outbox, Step, ToResume};

/// A copy of `outbox` with only the fields that `step` names.
pub fn named_by(outbox: &Outbox, step: Step) -> Outbox {
    let mut named = Outbox::default();
    if let Step::Switch(_) = step {
        (named.pgdir, named.id) = (outbox.pgdir, outbox.id);
    }
    if let Step::Resume(to) = step
        && to.contains(ToResume::FLUSH)
    {
        named.flush = outbox.flush;
    }
    if step.starts_timer() {
        named.timer = outbox.timer;
    }
    if step.names_fpu() {
        named.fpu = outbox.fpu;
    }
    let common = step.common();
    if common.contains(Common::REMOTE) {
        named.remote = outbox.remote;
    }
    if common.contains(Common::WAKE) {
        named.wake = outbox.wake;
    }
    if common.contains(Common::CLEAR) {
        named.clear = outbox.clear;
    }
    if common.contains(Common::CONSOLE) {
        named.chunk = outbox.chunk;
    }
    if step.ends() {
        named.end = outbox.end;
    }
    named
}
