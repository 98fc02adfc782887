//! Two environments send to one as often as they can: do both get through?
//!
//! With sends that try again until the receiver waits, who happens to try
//! first after each message wins, and may win always.
//!
//! Started three times at once, as JOS's is, the second receives what the others
//! send. Started alone, it makes two senders. Only what comes after both have been
//! heard of is counted, since one may start late.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::env::Env;
use user::{EnvId, EnvStatus, Fork, fork, ipc, println, sys};

const SENDERS: usize = 2;
const MESSAGES: u32 = 40;

user::program!(main);

fn main() {
    let own = sys::getenvid();
    match second_of_several() {
        Some(receiver) if receiver != own => send_for_ever(receiver),
        Some(_) => receive(own),
        None => {
            for _ in 0..SENDERS {
                match fork() {
                    Ok(Fork::Parent(_)) => {}
                    Ok(Fork::Child) => return send_for_ever(own),
                    Err(error) => panic!("fork: {}", error.message()),
                }
            }
            receive(own);
        }
    }
}

/// The environment in the second slot, if the kernel started it as it did us.
fn second_of_several() -> Option<EnvId> {
    let second = Env::all().nth(1)?;
    let is_first = second.parent_id() == EnvId::NONE && second.status() != Some(EnvStatus::Free);
    is_first.then(|| second.id())
}

/// Receives, and tells from whom how much has come since all were heard of. The
/// senders end when they find the receiver gone.
fn receive(own: EnvId) {
    let mut senders = [(EnvId::NONE, 0); SENDERS];
    let mut left = MESSAGES;
    while left > 0 {
        let Ok(message) = ipc::recv() else { continue };
        println!("{:x} recv from {:x}", own.0, message.from.0);
        let all_known = senders.iter().all(|(sender, _)| *sender != EnvId::NONE);
        let known = |(sender, _): &&mut (EnvId, u32)| [message.from, EnvId::NONE].contains(sender);
        if let Some((sender, count)) = senders.iter_mut().find(known) {
            *sender = message.from;
            *count += u32::from(all_known);
            left -= u32::from(all_known);
        }
    }
    for (sender, count) in senders {
        println!("{count} of {MESSAGES} from {:x}", sender.0);
    }
}

fn send_for_ever(receiver: EnvId) {
    println!("{:x} loop sending to {:x}", sys::getenvid().0, receiver.0);
    while ipc::send(receiver, 0).is_ok() {}
}
