//! Two environments send to one as often as they can: do both get through?
//!
//! With sends that try again until the receiver waits, who happens to try
//! first after each message wins, and may win always.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{EnvId, Fork, fork, ipc, println, sys};

const SENDERS: usize = 2;
const MESSAGES: u32 = 40;

user::program!(main);

fn main() {
    let receiver = sys::getenvid();
    let mut senders = [(EnvId::NONE, 0); SENDERS];
    for (sender, _) in &mut senders {
        match fork() {
            Ok(Fork::Parent(child)) => *sender = child,
            Ok(Fork::Child) => return send_for_ever(receiver),
            Err(error) => panic!("fork: {}", error.message()),
        }
    }
    for _ in 0..MESSAGES {
        let Ok(message) = ipc::recv() else { continue };
        println!("{:x} recv from {:x}", receiver.0, message.from.0);
        for (sender, count) in &mut senders {
            *count += u32::from(*sender == message.from);
        }
    }
    for (sender, _) in senders {
        // Cannot fail: they send for ever.
        let _ = sys::env_destroy(sender);
    }
    for (sender, count) in senders {
        println!("{count} of {MESSAGES} from {:x}", sender.0);
    }
}

fn send_for_ever(receiver: EnvId) {
    println!("{:x} loop sending to {:x}", sys::getenvid().0, receiver.0);
    while ipc::send(receiver, 0).is_ok() {}
}
