//! What the kernel says that it did, from the records of its trace.
//!
//! The hard thing is to tell a program that was ended for what it did from one that
//! ended itself, as both are its own doing: what counts is why the kernel was entered.

use abi::{Call, EnvId};
use witness::trace::{Cause, Content, Record, Words};

/// Calls by which a program may end itself.
const ENDINGS: [Call; 2] = [Call::EnvDestroy, Call::JobDestroy];

/// The first environment that was ended for what it did.
pub fn crashed(trace: &[Words]) -> Option<EnvId> {
    let mut records = trace.iter().filter_map(|words| Record::from_words(*words));
    records.find_map(|record| match record.content {
        Content::Died { env, killer, .. } if env == killer && is_fault(record.cause) => Some(env),
        _ => None,
    })
}

/// Whether a program that dies of this did not mean to.
fn is_fault(cause: Cause) -> bool {
    match cause {
        Cause::PageFault | Cause::Exception(_) => true,
        Cause::Call {
            personality,
            number,
            ..
        } => !ENDINGS
            .iter()
            .any(|&ending| personality.means(number.into(), ending)),
        _ => false,
    }
}
