//! Each call that waits for somebody, with nobody there: it ends when its time is up.
//!
//! The hard thing is what others notice. A server replies to a client that has given up;
//! and a message that is there in time is not lost to the deadline.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::time::Duration;

use user::time::{self, Instant};
use user::{EnvId, Error, Fork, fork, ipc, println, sys};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(100);

user::program!(main);

fn main() {
    if let Err(error) = run() {
        println!("no time-outs: {}", error.message());
    }
}

fn run() -> Result<(), Error> {
    try_to("receive", || ipc::recv().map(|_| ()))?;
    let nobody = nobody()?;
    try_to("send", || ipc::send(nobody, 1))?;
    try_to("call", || sys::ipc_call(nobody, [1, 2]).map(|_| ()))?;
    try_to("serve", || sys::ipc_reply(EnvId::NONE, [0; 2]).map(|_| ()))?;
    try_to("read", || sys::getc().map(|_| ()))?;
    sys::env_destroy(nobody)?;
    server()?;
    messages()
}

/// Says what comes of a wait for which there is little time.
fn try_to(what: &str, waits: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let end = Instant::now()?.after(SHORT);
    let result = time::until(end, waits);
    let early = Instant::now()? < end;
    match result {
        Err(Error::NotSupp) => return Err(Error::NotSupp),
        Err(error) if early => println!("{what}: {}, too early", error.message()),
        Err(error) => println!("{what}: {}", error.message()),
        Ok(()) => println!("{what}: done"),
    }
    Ok(())
}

/// A child that is there, and receives nothing.
fn nobody() -> Result<EnvId, Error> {
    match fork()? {
        Fork::Parent(child) => Ok(child),
        Fork::Child => loop {
            let _ = time::sleep(LONG);
        },
    }
}

/// A server is asked twice, and is too slow the second time. After its first reply it
/// waits for the next request, so that is taken at once.
fn server() -> Result<(), Error> {
    let parent = sys::getenvid();
    let Fork::Parent(server) = fork()? else {
        let (client, words) = sys::ipc_reply(EnvId::NONE, [0; 2])?;
        let (client, words) = sys::ipc_reply(client, words)?;
        time::sleep(SHORT * 2)?;
        let late = sys::ipc_reply(client, words).map(|_| ());
        println!("its reply is too late: {}", late == Err(Error::IpcNotRecv));
        ipc::send(parent, 0)?;
        user::exit()
    };
    sys::ipc_call(server, [1, 2])?;
    try_to("call a slow server", || {
        sys::ipc_call(server, [1, 2]).map(|_| ())
    })?;
    ipc::recv()?;
    Ok(())
}

/// A message comes in time, one is there already, and then there is no time left.
fn messages() -> Result<(), Error> {
    let parent = sys::getenvid();
    let Fork::Parent(_) = fork()? else {
        time::sleep(SHORT)?;
        ipc::send(parent, 3)?;
        ipc::send(parent, 4)?;
        user::exit()
    };
    println!("received {} in time", ipc::recv_timeout(LONG)?.value);
    let second = loop {
        match ipc::recv_timeout(Duration::ZERO) {
            Ok(message) => break message.value,
            Err(_) => time::sleep(SHORT)?,
        }
    };
    println!("received {second} at once");
    let none = ipc::recv_timeout(Duration::ZERO).map(|message| message.value);
    println!("then nothing: {}", none == Err(Error::TimedOut));
    Ok(())
}
