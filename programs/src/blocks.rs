//! Asking `diskserver` for blocks, and giving it some.
//!
//! The hard thing is that an answer is a message like any other: what says that it is an
//! error is its value, and what says that there is a block, that a page came with it.

use user::share::Page;
use user::{EnvId, Error, Perm, ipc};

/// Has the block in place of `page`; returns the rights it came with.
///
/// # Errors
/// `BadEnv` if the server is gone; what it answers.
pub fn fetch(server: EnvId, page: &'static Page, block: u32) -> Result<Perm, Error> {
    ipc::send(server, block)?;
    let answer = ipc::recv_page(page)?;
    match Error::from_value(answer.value) {
        None if answer.perm.contains(Perm::READ) => Ok(answer.perm),
        None => Err(Error::Unspecified),
        Some(error) => Err(error),
    }
}

/// Has `page` written as the block.
///
/// # Errors
/// As [`fetch`].
pub fn store(server: EnvId, page: &'static Page, block: u32) -> Result<(), Error> {
    ipc::send_page(server, block, page, Perm::READ)?;
    match ipc::recv()?.value {
        0 => Ok(()),
        error => Err(Error::from_value(error).unwrap_or(Error::Unspecified)),
    }
}
