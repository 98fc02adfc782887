//! Parent and child send each other a number, one more each time, up to ten.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{EnvId, Error, Fork, fork, ipc, println, sys};

const LAST: u32 = 10;

user::program!(main);

fn main() {
    if let Err(error) = play() {
        panic!("{}", error.message());
    }
}

fn play() -> Result<(), Error> {
    if let Fork::Parent(child) = fork()? {
        println!("send 0 from {:x} to {:x}", sys::getenvid().0, child.0);
        ipc::send(child, 0)?;
    }
    let me: EnvId = sys::getenvid();
    loop {
        let ball = ipc::recv()?;
        println!("{:x} got {} from {:x}", me.0, ball.value, ball.from.0);
        if ball.value == LAST {
            return Ok(());
        }
        ipc::send(ball.from, ball.value + 1)?;
        if ball.value + 1 == LAST {
            return Ok(());
        }
    }
}
