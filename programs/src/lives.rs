//! Waiting for a child's end.
//!
//! The hard thing is that its slot may be another's by then.

use user::env::Env;
use user::{EnvId, EnvStatus, sys};

/// Lets others run until this child is no more.
pub fn wait_for(child: EnvId) {
    while Env::of(child).id() == child && Env::of(child).status() != Some(EnvStatus::Free) {
        sys::yield_now();
    }
}
