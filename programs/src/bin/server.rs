//! Many clients and one server: each asks as often as it can, and gets the answers to its
//! own questions, until all of them have been served often enough.
//!
//! Where the kernel has calls in registers, the server replies and takes the next request in
//! one; elsewhere both are messages of JOS's, and the answer goes to whoever sent the
//! request. Nobody gives way: clients and server only wait for each other. The hard thing is
//! that a call hands the CPU over and back with the rest of the quantum, so one client asks
//! thousands of times on end. The others come to their turn only because the quantum is
//! lent, and not renewed each time.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::abi::call::FEATURE_CALL;
use user::interface::Interface;
use user::{EnvId, Error, Fork, fork, ipc, println, sys};

const CLIENTS: usize = 8;
/// So many requests of each client are answered at least,
const SHARE: u32 = 250;
/// unless it takes so many of all: then somebody waits for ever.
const MOST: u32 = 1_000_000;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    // Asked once, so that all find the answer.
    let registers = Interface::get().offers(FEATURE_CALL);
    println!("messages: {}", if registers { "calls" } else { "JOS's" });
    let server = sys::getenvid();
    for _ in 0..CLIENTS {
        if let Fork::Child = fork()? {
            return ask(server, registers);
        }
    }
    let tally = serve(registers)?;
    println!("{CLIENTS} clients, {} requests", tally.requests);
    println!("each was served: {}", tally.served_all());
    Ok(())
}

/// Asks until the server says that it is enough. Says so if an answer was not its own.
fn ask(server: EnvId, registers: bool) -> Result<(), Error> {
    let own = sys::getenvid();
    for number in 1.. {
        let question = own.0 as u32 ^ number;
        let answer = if registers {
            sys::ipc_call(server, [question, 0])?[0]
        } else {
            ipc::send(server, question)?;
            let message = ipc::recv()?;
            assert!(message.from == server, "an answer from somebody else");
            message.value
        };
        if answer == 0 {
            break;
        }
        assert!(answer == answer_to(question), "another one's answer");
    }
    println!("a client got all of its answers");
    Ok(())
}

/// Never 0, which ends a client.
fn answer_to(question: u32) -> u32 {
    question.wrapping_mul(2) | 1
}

/// What the server has counted: requests, and of which client.
#[derive(Default)]
struct Tally {
    clients: [(EnvId, u32); CLIENTS],
    requests: u32,
}

impl Tally {
    fn add(&mut self, client: EnvId) {
        let is_its = |(known, _): &&mut (EnvId, u32)| [client, EnvId::NONE].contains(known);
        if let Some((known, count)) = self.clients.iter_mut().find(is_its) {
            *known = client;
            *count += 1;
        }
        self.requests += 1;
    }

    fn served_all(&self) -> bool {
        self.clients.iter().all(|&(_, count)| count >= SHARE)
    }

    fn is_enough(&self) -> bool {
        self.served_all() || self.requests >= MOST
    }
}

/// Answers until enough requests have been counted, then tells every client to end.
fn serve(registers: bool) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let mut ended = 0;
    let (mut client, mut question) = receive(registers)?;
    loop {
        let answer = if tally.is_enough() {
            ended += 1;
            0
        } else {
            tally.add(client);
            answer_to(question)
        };
        if ended == CLIENTS {
            // The last one: nobody else will ask.
            ipc::send(client, 0)?;
            return Ok(tally);
        }
        (client, question) = next(registers, client, answer)?;
    }
}

fn receive(registers: bool) -> Result<(EnvId, u32), Error> {
    if registers {
        let (client, [question, _]) = sys::ipc_reply(EnvId::NONE, [0; 2])?;
        return Ok((client, question));
    }
    let message = ipc::recv()?;
    Ok((message.from, message.value))
}

/// Answers, and waits for the next request.
fn next(registers: bool, client: EnvId, answer: u32) -> Result<(EnvId, u32), Error> {
    if registers {
        let (client, [question, _]) = sys::ipc_reply(client, [answer, 0])?;
        return Ok((client, question));
    }
    ipc::send(client, answer)?;
    receive(registers)
}
